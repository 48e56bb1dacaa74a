"""Prometheus metrics of state that all services share: jobs, queues, models that serve, loads, quarantine.

``workflows`` alone tells of it, read from the stores when it is scraped: a counter in each process would tell of that
process only, and a gauge that somebody sets grows old unseen. Its replicas tell the same, so queries take the maximum.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.instruments import Instrument
from stock_mlops.stores.jobs import JobKind, JobState
from stock_mlops.stores.market_clock import Clocks, MarketClocks
from stock_mlops.stores.platform_state import EtlEnd, JobGroup, PlatformState, ServingVersion
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.quarantine_entries import QuarantineCount, QuarantineEntries
from stock_mlops.stores.queue import QUEUES, CeleryQueue
from stock_mlops.stores.raw_prices import RawPrices, StoredInstrument

log = get_logger(__name__)

READ_ERRORS = Counter(
    "stock_platform_read_errors_total", "Parts of the platform's state that could not be read for a scrape", ["part"]
)

# Prometheus and metrics_publisher both ask; what the second gets may be this old.
_KEEP_SECONDS = 10.0

Families = Iterable[GaugeMetricFamily]


class State(Protocol):
    """``stores.platform_state.PlatformState``, or lists in a test."""

    def jobs(self) -> Sequence[JobGroup]: ...

    def serving(self) -> Sequence[ServingVersion]: ...

    def etl_ends(self) -> Sequence[EtlEnd]: ...


class Broker(Protocol):
    """``stores.queue.CeleryQueue``, or numbers in a test."""

    def lengths(self) -> Mapping[str, int]: ...


class Timelines(Protocol):
    """``stores.raw_prices.RawPrices``, or a list in a test."""

    def instruments(self) -> Sequence[StoredInstrument]: ...


class Refused(Protocol):
    """``stores.quarantine_entries.QuarantineEntries``, or numbers in a test."""

    def counts(self) -> Mapping[Instrument, QuarantineCount]: ...


class PlatformCollector(Collector):
    """Reads every part anew at a scrape, at most every few seconds. A part that cannot be read is missing from that
    scrape and counted; the others are told. Thread-safe."""

    def __init__(
        self,
        state: State,
        broker: Broker,
        timelines: Timelines,
        refused: Refused,
        clocks: Clocks,
        *,
        expiry_sessions: int,
        keep_seconds: float = _KEEP_SECONDS,
    ) -> None:
        self._state = state
        self._broker = broker
        self._timelines = timelines
        self._refused = refused
        self._clocks = clocks
        self._expiry_sessions = expiry_sessions
        self._keep = keep_seconds
        self._lock = threading.Lock()
        self._read: list[GaugeMetricFamily] = []
        self._read_at = float("-inf")
        self._parts: dict[str, Callable[[], Families]] = {
            "jobs": self._jobs,
            "queues": self._queues,
            "models": self._models,
            "etl": self._etl,
            "quarantine": self._quarantine,
        }
        for part in self._parts:
            READ_ERRORS.labels(part)

    def describe(self) -> Families:
        """Nothing: a registry that is not told asks :meth:`collect` when the collector is registered."""
        return []

    def collect(self) -> Families:
        with self._lock:
            if time.monotonic() - self._read_at >= self._keep:
                self._read = [family for part in self._parts for family in self._attempt(part)]
                self._read_at = time.monotonic()
            return self._read

    def _attempt(self, part: str) -> list[GaugeMetricFamily]:
        try:
            return list(self._parts[part]())
        except Exception as error:  # noqa: BLE001  whatever a driver raises, the scrape tells the rest
            READ_ERRORS.labels(part).inc()
            log.warning("platform_state_not_read", part=part, error=f"{type(error).__name__}: {error}")
            return []

    def _jobs(self) -> Iterator[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("stock_jobs", "Long jobs whose rows are kept, by state", labels=["kind", "state"])
        oldest = GaugeMetricFamily(
            "stock_queue_oldest_seconds", "How long the first waiting job has been queued; 0: none", labels=["queue"]
        )
        groups = {(group.kind, group.state): group for group in self._state.jobs()}
        for kind in JobKind:
            for state in JobState:
                group = groups.get((kind, state))
                jobs.add_metric([str(kind), str(state)], group.count if group else 0)
        for queue, kinds in QUEUES.items():
            waiting = [group for kind in kinds if (group := groups.get((kind, JobState.PENDING))) is not None]
            oldest.add_metric([queue], max((group.oldest_seconds for group in waiting), default=0.0))
        yield jobs
        yield oldest

    def _queues(self) -> Iterator[GaugeMetricFamily]:
        messages = GaugeMetricFamily("stock_queue_messages", "Messages that wait in the broker", labels=["queue"])
        for queue, length in self._broker.lengths().items():
            messages.add_metric([queue], length)
        yield messages

    def _models(self) -> Iterator[GaugeMetricFamily]:
        labels = ["exchange", "ticker", "model", "model_version"]
        age = GaugeMetricFamily(
            "stock_model_age_sessions",
            "Sessions closed since the training data of the model that serves end, by the market's clock",
            labels=labels,
        )
        created = GaugeMetricFamily(
            "stock_model_created_timestamp_seconds", "When the model that serves was registered", labels=labels
        )
        timelines = {stored.instrument: stored.timeline for stored in self._timelines.instruments()}
        for version in self._state.serving():
            for ticker in version.tickers:
                instrument = Instrument(version.exchange, ticker)
                values = [version.exchange, ticker, version.registered_name, str(version.version)]
                created.add_metric(values, version.created_at.timestamp())
                if instrument in timelines:  # else its prices were deleted
                    closed = instrument.sessions.last_closed(self._clocks.clock(timelines[instrument]).now())
                    age.add_metric(values, instrument.sessions.count(version.trained_until, closed))
        yield age
        yield created
        yield GaugeMetricFamily(
            "stock_model_expiry_sessions", "Age from which a model counts as stale", value=self._expiry_sessions
        )

    def _etl(self) -> Iterator[GaugeMetricFamily]:
        ends = GaugeMetricFamily(
            "stock_etl_last_end_timestamp_seconds", "When a source's newest run ended", labels=["source", "state"]
        )
        for end in self._state.etl_ends():
            ends.add_metric([end.source, end.state], end.at.timestamp())
        yield ends

    def _quarantine(self) -> Iterator[GaugeMetricFamily]:
        rows = GaugeMetricFamily(
            "stock_quarantined_rows",
            "Rows that the quality gate refused and no good row has replaced",
            labels=["exchange", "ticker"],
        )
        for instrument, count in self._refused.counts().items():
            rows.add_metric([instrument.exchange, instrument.ticker], count.open)
        yield rows


def open_platform_collector(settings: Settings) -> PlatformCollector:
    """The collector over the servers of ``settings``."""
    meta, raw = get_engine(settings.model_meta_db), get_engine(settings.raw_db)
    return PlatformCollector(
        PlatformState(meta, raw),
        CeleryQueue(settings),
        RawPrices(raw),
        QuarantineEntries(raw),
        MarketClocks(meta),
        expiry_sessions=settings.serving.expiry_sessions,
    )
