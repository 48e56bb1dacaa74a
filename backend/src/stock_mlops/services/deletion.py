"""Deleting models: at once for everybody who is served, for good after a retention time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import httpx
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import NotFoundError, StockMlopsError
from stock_mlops.stores.deletions import DeletedVersion, Deletions
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.promotions import Change

log = get_logger(__name__)

_PURGE = Change("purge", "the retention time is over")


class Artifacts(Protocol):
    """``stores.mlflow_rest.MlflowRest``, or a list in a test."""

    def delete_version(self, name: str, version: int) -> None: ...

    def delete_run(self, run_id: str) -> None: ...

    def delete_registered_model(self, name: str) -> None: ...


@dataclass(slots=True)
class PurgeReport:
    purged: list[DeletedVersion] = field(default_factory=list)
    failed: list[DeletedVersion] = field(default_factory=list)
    """MLflow did not let go of these; the next purge tries them again."""


class Deletion:
    def __init__(self, deletions: Deletions, artifacts: Artifacts, retention: timedelta) -> None:
        self._deletions = deletions
        self._artifacts = artifacts
        self._retention = retention

    def delete(self, model_id: UUID, change: Change, *, force: bool = False) -> list[DeletedVersion]:
        """Nothing serves or trains the model from now on; returns its versions, which the purge removes later. The
        same definition can be made again, without them.

        Raises:
            NotFoundError: there is no such model.
            ConflictError: it is being trained, or it serves and ``force`` is not given.
        """
        deleted = self._deletions.delete(model_id, change, force=force)
        log.info("model_deleted", model_id=str(model_id), versions=len(deleted), actor=change.actor)
        return deleted

    def purge(self, check: Callable[[], None] = lambda: None) -> PurgeReport:
        """Remove for good what was deleted before the retention time: versions, runs with their files, states of
        intervals. Safe to repeat and to interrupt; ``check`` is called between two versions and may raise.

        What stays: predictions with their outcomes, the audit trail, and in MLflow's database the rows of deleted runs
        (their numbers, not their files), which only ``mlflow gc`` beside its server can remove.
        """
        report = PurgeReport()
        for version in self._deletions.due(self._retention):
            check()
            try:
                let_go(self._artifacts, version)
            except (StockMlopsError, httpx.HTTPStatusError) as error:
                log.warning(
                    "version_not_purged", model=version.registered_name, version=version.version, error=str(error)
                )
                report.failed.append(version)
                continue
            self._deletions.purge_version(version, _PURGE)
            report.purged.append(version)
        for name in self._deletions.purge_definitions(self._retention):
            _unless_gone(lambda name=name: self._artifacts.delete_registered_model(name))  # type: ignore[misc]
        return report


def let_go(artifacts: Artifacts, version: DeletedVersion) -> None:
    """Delete a version's files and its run, then the version; the files first, so that a purge that is interrupted
    finds the run again."""
    _unless_gone(lambda: artifacts.delete_run(version.run_id))
    _unless_gone(lambda: artifacts.delete_version(version.registered_name, version.version))


def _unless_gone(remove: Callable[[], None]) -> None:
    try:
        remove()
    except NotFoundError:
        return  # somebody else removed it, or an earlier purge that was interrupted


@contextmanager
def open_deletion(settings: Settings) -> Iterator[Deletion]:
    """The use case over the servers of ``settings``."""
    with closing(MlflowRest(settings.mlflow)) as mlflow:
        yield make_deletion(settings, mlflow)


def make_deletion(settings: Settings, mlflow: MlflowRest) -> Deletion:
    """The same with a client of MLflow that its caller closes. Connects to nothing yet."""
    return Deletion(Deletions(get_engine(settings.model_meta_db)), mlflow, settings.registry.retention)
