"""Monitoring as a use case: every watcher looks at every instrument; what it measures is kept, what is wrong told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from time import monotonic
from typing import Protocol

from stock_kit.clock import wall_now
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.instruments import Instrument
from stock_mlops.services.alerting import AlertReporter, Condition
from stock_mlops.services.monitoring_metrics import MONITORING_FAILURES, MONITORING_SECONDS
from stock_mlops.services.watchers.accuracy import AccuracyWatch, AgeWatch
from stock_mlops.services.watchers.base import Observation, Served, Subject, Watcher
from stock_mlops.services.watchers.drift import DriftWatch
from stock_mlops.services.watchers.error_drift import ErrorDriftWatch
from stock_mlops.services.watchers.freshness import FreshnessWatch
from stock_mlops.services.watchers.parity import ParityWatch
from stock_mlops.services.watchers.quality import QualityWatch
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.drift_references import DriftReferences
from stock_mlops.stores.instrument_names import InstrumentNames
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.monitoring import Measured, MonitoringTable
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.served_vectors import ServedVectors
from stock_mlops.stores.settled_errors import SettledErrorsTable
from stock_mlops.stores.settlements import Settlements
from stock_mlops.stores.warehouse import DatasetRow, Warehouse

log = get_logger(__name__)

_LOADED = 64


class Datasets(Protocol):
    """``stores.warehouse.Warehouse``."""

    def datasets(self) -> Sequence[DatasetRow]: ...


class Table(Protocol):
    """``stores.monitoring.MonitoringTable``, or a list in a test."""

    def add(self, rows: Sequence[Measured]) -> None: ...


@dataclass(frozen=True, slots=True)
class MonitoringReport:
    """What one pass saw."""

    instruments: int
    numbers: int
    conditions: tuple[Condition, ...]
    failed: Mapping[str, int]
    """Of each watcher that could not look at some instruments: at how many."""

    def markdown(self) -> str:
        """The report as a page."""
        lines = [f"## Monitoring: {self.instruments} instruments, {self.numbers} numbers", ""]
        lines += [f"- **{item.severity}** {item.title}: {item.detail}" for item in self.conditions] or ["Nothing."]
        lines += [f"- the watcher {name} failed for {count} instruments" for name, count in self.failed.items()]
        return "\n".join(lines)


class Monitoring:
    """Passes over instruments. Two at once measure the same numbers, and report the same conditions."""

    def __init__(
        self,
        datasets: Datasets,
        served: Callable[[Instrument], Served | None],
        watchers: Sequence[Watcher],
        table: Table,
        reporter: AlertReporter,
        *,
        timelines: Callable[[], Mapping[Instrument, str]],
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        self._datasets = datasets
        self._served = served
        self._timelines = timelines
        self._watchers = watchers
        self._table = table
        self._reporter = reporter
        self._now = now

    def run(
        self, instruments: Collection[Instrument] | None = None, check: Callable[[], None] = lambda: None
    ) -> MonitoringReport:
        """Look at ``instruments``; None: at all in the warehouse.

        Args:
            check: called between two of them; what it raises ends the pass.

        Raises:
            what the stores raise that know the instruments and keep the numbers; the watchers' own failures are
            counted, logged and in the report.
        """
        started = monotonic()
        seen: dict[str, dict[str, Sequence[Condition]]] = defaultdict(dict)
        failed: dict[str, int] = defaultdict(int)
        numbers = looked_at = 0
        for subject in self._subjects(instruments):
            check()
            looked_at += 1
            observations = self._observe(subject, failed)
            rows = self._rows(subject, observations)
            self._table.add(rows)
            numbers += len(rows)
            for detector, observation in observations.items():
                seen[detector][subject.instrument.key] = observation.conditions
        for detector, by_subject in seen.items():
            found = [item for conditions in by_subject.values() for item in conditions]
            self._reporter.reconcile(detector, list(by_subject), found)
        conditions = tuple(item for by in seen.values() for found in by.values() for item in found)
        MONITORING_SECONDS.observe(monotonic() - started)
        log.info("monitored", instruments=looked_at, numbers=numbers, conditions=len(conditions))
        return MonitoringReport(looked_at, numbers, conditions, dict(failed))

    def _subjects(self, wanted: Collection[Instrument] | None) -> Iterator[Subject]:
        """One after the other: the models of all of them would not fit into memory."""
        timelines = self._timelines()
        stored = {Instrument(row.exchange, row.ticker): row for row in self._datasets.datasets()}
        # Rows of an instrument that raw_db does not know are remains of a deletion.
        chosen = [item for item in stored if item in timelines and (wanted is None or item in wanted)]
        for item in chosen:
            row = stored[item]
            yield Subject(item, row.last_session, timelines[item], row.source, served=self._model(item))

    def _model(self, instrument: Instrument) -> Served | None:
        """None also when its files cannot be read: prices are looked at all the same."""
        try:
            return self._served(instrument)
        except Exception as error:  # noqa: BLE001  any store's error, or a model's that cannot be read
            self._note_failure("model", instrument, error)
            return None

    def _observe(self, subject: Subject, failed: dict[str, int]) -> dict[str, Observation]:
        observations = {}
        for watcher in self._watchers:
            try:
                observations[watcher.detector] = watcher.observe(subject)
            except Exception as error:  # noqa: BLE001  one watcher must not blind the others
                failed[watcher.detector] += 1
                self._note_failure(watcher.detector, subject.instrument, error)
        return observations

    @staticmethod
    def _note_failure(what: str, instrument: Instrument, error: Exception) -> None:
        MONITORING_FAILURES.labels(what).inc()
        log.warning("not_monitored", watcher=what, instrument=instrument.key, error=f"{type(error).__name__}: {error}")

    def _rows(self, subject: Subject, observations: Mapping[str, Observation]) -> list[Measured]:
        champion = None if subject.served is None else subject.served.champion
        measured_at = self._now()
        return [
            Measured(
                exchange=subject.instrument.exchange,
                ticker=subject.instrument.ticker,
                monitor=number.monitor,
                part=number.part,
                measure=number.measure,
                session=subject.last_session,
                value=number.value,
                threshold=number.threshold,
                model_name=None if champion is None else champion.registered_name,
                model_version=None if champion is None else str(champion.version),
                measured_at=measured_at,
            )
            for observation in observations.values()
            for number in observation.numbers
        ]


def open_served(settings: Settings) -> Callable[[Instrument], Served | None]:
    """How to learn which model serves an instrument; its files are downloaded once."""
    files = ModelFiles(MlflowRest(settings.mlflow), settings.path(settings.serving.cache_dir))
    catalog, load = Catalog(get_engine(settings.model_meta_db)), lru_cache(maxsize=_LOADED)(files.load)

    def served(instrument: Instrument) -> Served | None:
        champion = catalog.serving(instrument)
        return None if champion is None else Served(champion, load(champion))

    return served


def open_monitoring(settings: Settings, reporter: AlertReporter, warehouse: Warehouse | None = None) -> Monitoring:
    """The use case over the servers of ``settings``; prices and features are read from ``warehouse`` where given."""
    meta, client = get_engine(settings.model_meta_db), partial(get_client, settings.clickhouse)
    warehouse = warehouse or Warehouse(client())
    own = settings.monitoring

    return Monitoring(
        warehouse,
        open_served(settings),
        (
            FreshnessWatch(MarketClocks(meta), own.late_after),
            QualityWatch(warehouse, own),
            ParityWatch(warehouse, ServedVectors(client), own),
            AgeWatch(settings.serving.expiry_sessions),
            AccuracyWatch(Settlements(client), own),
            ErrorDriftWatch(SettledErrorsTable(client)),
            DriftWatch(warehouse, DriftReferences(meta), own),
        ),
        MonitoringTable(client),
        reporter,
        timelines=partial(_timelines, InstrumentNames(get_engine(settings.raw_db))),
    )


def _timelines(names: InstrumentNames) -> dict[Instrument, str]:
    return {instrument: entry.timeline for instrument, entry in names.read().items()}
