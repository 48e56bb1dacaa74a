"""Which version serves, decided by people: promote, roll back, compare; every change leaves a line in the trail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import httpx
from clickhouse_connect.driver.exceptions import ClickHouseError
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import ConflictError, DependencyUnavailableError, NotFoundError, StockMlopsError
from stock_mlops.forecasting.contenders import Window, same_window
from stock_mlops.forecasting.gate import Verdict
from stock_mlops.forecasting.metrics import holm
from stock_mlops.instruments import Instrument
from stock_mlops.services.adaptation import adapt_loaded, open_adaptation
from stock_mlops.services.gatekeeping import Gatekeeper, open_gatekeeper
from stock_mlops.stores.catalog import Catalog, ModelVersion
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.promotions import AuditEntry, Change, Promotions
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy, Settlements

log = get_logger(__name__)


class GateRefusedError(ConflictError):
    code = "gate_refused"
    title = "The gate refused the version"

    def __init__(self, name: str, version: int, verdict: Verdict) -> None:
        reasons = "; ".join(f"{check.name}: expected {check.expected}, got {check.got}" for check in verdict.reasons)
        super().__init__(
            f"{name} version {version} may not serve: {reasons}. To overrule it, ask with force.",
            errors=[
                {
                    "field": f"gate.{check.name}",
                    "message": f"got {check.got}",
                    "expected": check.expected,
                    "code": check.name,
                    "params": check.numbers,
                }
                for check in verdict.reasons
            ],
        )
        self.verdict = verdict


class AliasMirror(Protocol):
    """``stores.mlflow_rest.MlflowRest``, or a dictionary in a test."""

    def aliases(self, name: str) -> dict[str, int]: ...

    def set_alias(self, name: str, alias: str, version: int) -> None: ...

    def remove_alias(self, name: str, alias: str) -> None: ...


class Accuracy(Protocol):
    """``stores.settlements.Settlements``, or rows in a test."""

    def rolling(self, wanted: AccuracyFilter, windows: Sequence[int], limit: int) -> list[RollingAccuracy]: ...


@dataclass(frozen=True, slots=True)
class HorizonComparison:
    """Two versions at one horizon, on the same sessions."""

    horizon: int
    sessions: int
    rmse: tuple[float, float]
    p_worse: tuple[float | None, float | None]
    """Of each: how likely squared errors so much larger than the other's are by luck (Diebold-Mariano, Holm)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    versions: tuple[ModelVersion, ModelVersion]
    window: Window
    horizons: tuple[HorizonComparison, ...]
    settled: tuple[list[RollingAccuracy], list[RollingAccuracy]]
    """How the predictions that each served fared."""


# Sessions of settled predictions that are compared; a quarter.
_SETTLED_WINDOW = 63
_MOST_SETTLED = 2000


class Promotion:
    """The registry's use cases.

    Raises:
        NotFoundError: any method, when the name or version does not exist.
        DependencyUnavailableError: MLflow or ClickHouse does not answer and is needed.
    """

    def __init__(
        self,
        catalog: Catalog,
        promotions: Promotions,
        gatekeeper: Gatekeeper,
        mirror: AliasMirror,
        accuracy: Accuracy,
        adapt: Callable[[Collection[Instrument]], None] = lambda _: None,
    ) -> None:
        self._catalog = catalog
        self._promotions = promotions
        self._gatekeeper = gatekeeper
        self._mirror = mirror
        self._accuracy = accuracy
        self._adapt = adapt

    def promote(self, name: str, version: int, change: Change, *, force: bool = False) -> Verdict | None:
        """Let a version serve, once it has passed the gate against what serves now; ``force`` does not ask the gate.

        Raises:
            GateRefusedError: it did not pass.
            ConflictError: it serves already, or the champion changed meanwhile.
        """
        wanted = self._version(name, version)
        champion = self._catalog.champion_of(name)
        verdict = None
        if not force and (champion is None or champion.version != version):
            verdict = self._gatekeeper.judge(name, self._gatekeeper.contender(wanted))
            if not verdict.passed:
                raise GateRefusedError(name, version, verdict)
        expected = None if champion is None else champion.version
        told = None if verdict is None else verdict.to_dict()
        self._promotions.promote(name, version, expected, replace(change, verdict=told))
        log.info("model_promoted", model=name, version=version, before=expected, actor=change.actor, force=force)
        self._follow(wanted)
        return verdict

    def rollback(self, name: str, change: Change, expected: int | None = None) -> tuple[int, int]:
        """Let the version serve again that did before the champion; returns the one that was and the one that is.

        Args:
            expected: the champion that the decision was made about; None: whichever it is.

        Raises:
            ConflictError: nothing served before it, or another one is the champion by now.
        """
        before, after = self._promotions.rollback(name, change, expected)
        log.info("model_rolled_back", model=name, version=after, before=before, actor=change.actor)
        self._follow(self._version(name, after))
        return before, after

    def compare(self, name: str, first: int, second: int) -> Comparison:
        """Two versions on the same sessions, and by how the predictions that they served fared."""
        versions = self._version(name, first), self._version(name, second)
        older, newer = sorted(range(2), key=lambda position: versions[position].trained_until)
        challenger = self._gatekeeper.contender(versions[newer])
        rival = self._gatekeeper.opponent(versions[older], challenger)
        window, pairs = same_window(challenger, rival, self._gatekeeper.limits)
        worse = [pair.p_worse() for pair in pairs]
        sides = {newer: holm(worse), older: holm([None if p is None else 1.0 - p for p in worse])}
        settled = self._settled(name)
        return Comparison(
            versions,
            window,
            tuple(
                HorizonComparison(
                    pair.horizon,
                    pair.sessions,
                    pair.rmse if newer == 0 else pair.rmse[::-1],
                    (sides[0][position], sides[1][position]),
                )
                for position, pair in enumerate(pairs)
                if pair.sessions
            ),
            (
                [row for row in settled if row.model_version == str(first)],
                [row for row in settled if row.model_version == str(second)],
            ),
        )

    def audit(self, name: str | None = None, limit: int = 50, before: int | None = None) -> list[AuditEntry]:
        """The newest changes first; ``before``, an entry's id, asks for older ones."""
        return self._promotions.audit(name, limit, before)

    def repair_aliases(self) -> list[str]:
        """Let MLflow's aliases follow wherever they do not; returns the names where that failed."""
        return [name for name, aliases in self._promotions.aliases().items() if not self._mirrored(name, aliases)]

    def _version(self, name: str, version: int) -> ModelVersion:
        found = self._catalog.version_of(name, version)
        if found is None:
            known = ", ".join(str(item.version) for item in self._catalog.versions_of(name)[:10])
            raise NotFoundError(f"{name} has no version {version}" + (f"; there are {known}" if known else ""))
        return found

    def _follow(self, champion: ModelVersion) -> None:
        """What comes after the commit, and may fail: others catch up on it later."""
        name = champion.registered_name
        definition = self._catalog.definition(champion.model_id)
        if definition is not None:
            # While it did not serve nobody counted its outcomes.
            self._adapt(definition.parsed().instruments)
        self._mirrored(name, self._promotions.aliases(name).get(name, {}))

    def _mirrored(self, name: str, wanted: dict[str, int]) -> bool:
        try:
            present = self._mirror.aliases(name)
            for alias in present.keys() - wanted.keys():
                self._mirror.remove_alias(name, alias)
            for alias, version in wanted.items():
                if present.get(alias) != version:
                    self._mirror.set_alias(name, alias, version)
        except (StockMlopsError, httpx.HTTPStatusError) as error:
            log.warning("aliases_not_mirrored", model=name, error=str(error))
            return False
        return True

    def _settled(self, name: str) -> list[RollingAccuracy]:
        try:
            return self._accuracy.rolling(AccuracyFilter(model=name), (_SETTLED_WINDOW,), _MOST_SETTLED)
        except ClickHouseError as error:
            raise DependencyUnavailableError("ClickHouse", type(error).__name__) from error


@contextmanager
def open_promotion(settings: Settings) -> Iterator[Promotion]:
    """The use cases over the servers of ``settings``."""
    with closing(MlflowRest(settings.mlflow)) as mlflow:
        yield make_promotion(settings, mlflow)


def make_promotion(settings: Settings, mlflow: MlflowRest) -> Promotion:
    """The same with a client of MLflow that its caller closes. Connects to nothing yet."""
    engine = get_engine(settings.model_meta_db)
    return Promotion(
        Catalog(engine),
        Promotions(engine),
        open_gatekeeper(settings, mlflow),
        mlflow,
        Settlements(lambda: get_client(settings.clickhouse)),
        adapt_loaded(partial(open_adaptation, settings)),
    )
