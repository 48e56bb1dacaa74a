"""The platform as a whole, for who runs it: versions, queues, other user interfaces."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stock_kit.settings import Settings

from stock_mlops.stores.jobs import JobKind, JobState
from stock_mlops.stores.queue import QUEUES
from stock_mlops.stores.schema import revisions


@dataclass(frozen=True, slots=True)
class Versions:
    code: str
    """The package's version and a hash of the code that models are made by."""
    feature_version: str
    python: str
    packages: Mapping[str, str]
    schemas: Mapping[str, str]
    """How far each database is migrated."""


@dataclass(frozen=True, slots=True)
class QueueState:
    name: str
    messages: int
    """That wait in the broker; a job may have several, and needs none while it runs."""
    pending: int
    running: int
    workers: Sequence[str]
    """That answered within half a second."""


class OpenJobs(Protocol):
    """``stores.jobs.Jobs``, or numbers in a test."""

    def open_counts(self) -> Mapping[JobKind, Mapping[JobState, int]]: ...


class Broker(Protocol):
    """``stores.queue.CeleryQueue``, or lists in a test."""

    def lengths(self) -> Mapping[str, int]: ...

    def workers(self) -> Sequence[str]: ...


class Platform:
    def __init__(self, settings: Settings, jobs: OpenJobs, broker: Broker) -> None:
        self._settings = settings
        self._jobs = jobs
        self._broker = broker

    def versions(self) -> Versions:
        """Raises what the drivers raise when a database does not answer."""
        # Imported here: it brings the features, which are polars expressions.
        from stock_mlops.features import FEATURE_VERSION
        from stock_mlops.services.provenance import code_version, package_versions

        return Versions(
            code_version(), FEATURE_VERSION, sys.version.split()[0], package_versions(), revisions(self._settings)
        )

    def queue_states(self) -> list[QueueState]:
        """Raises :class:`~stock_mlops.errors.DependencyUnavailableError` when the broker does not answer."""
        counts, lengths, workers = self._jobs.open_counts(), self._broker.lengths(), self._broker.workers()
        return [
            QueueState(
                name=queue,
                messages=lengths[queue],
                pending=sum(counts[kind][JobState.PENDING] for kind in kinds),
                running=sum(counts[kind][JobState.RUNNING] for kind in kinds),
                workers=[name for name in workers if name.partition("@")[0] == queue],
            )
            for queue, kinds in QUEUES.items()
        ]


def links(settings: Settings) -> dict[str, str]:
    """Addresses of the other user interfaces for a browser; those that are not there are left out."""
    known = settings.links
    addresses = {
        "mlflow": known.mlflow or settings.mlflow.tracking_uri,
        "prefect": known.prefect or settings.prefect.api_url.removesuffix("/api"),
        "flower": known.flower,
        "grafana": known.grafana,
        "prometheus": known.prometheus,
        "kafka_ui": known.kafka_ui,
        "minio": known.minio,
    }
    return {name: address for name, address in addresses.items() if address}
