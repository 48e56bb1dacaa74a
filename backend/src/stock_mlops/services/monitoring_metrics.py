"""Prometheus metrics of monitoring.

What was measured is shared by all processes: it is read from the table when Prometheus asks, so that every replica of
the workflows service tells the same, whichever of them measured, and a restart forgets nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from stock_kit.clock import wall_now
from stock_kit.logging import get_logger

from stock_mlops.stores.monitoring import Measured

log = get_logger(__name__)

MONITORING_SECONDS = Histogram(
    "stock_monitoring_pass_duration_seconds",
    "Time of one pass over all instruments",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900),
)
MONITORING_FAILURES = Counter("stock_monitoring_failures_total", "Instruments that a watcher failed at", ["watcher"])

_CACHE_SECONDS = 10.0
# An instrument that nobody has looked at for so long was deleted, or monitoring stands still.
_FORGOTTEN = timedelta(days=4)
_INSTRUMENT = ["exchange", "ticker"]
_ERRORS = ("mae", "rmse", "bias", "skill")


class MonitoringCollector(Collector):
    """The newest numbers of every instrument. A store that does not answer leaves them out and fails no scrape."""

    def __init__(self, read: Callable[[], Sequence[Measured]], now: Callable[[], datetime] = wall_now) -> None:
        self._read = read
        self._now = now
        self._rows: Sequence[Measured] = ()
        self._read_at = -_CACHE_SECONDS

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Without values: registering must not ask the store."""
        yield from _families(()).values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        since = self._now() - _FORGOTTEN
        yield from _families([row for row in self._recent() if row.measured_at >= since]).values()

    def _recent(self) -> Sequence[Measured]:
        if time.monotonic() - self._read_at >= _CACHE_SECONDS:
            self._read_at = time.monotonic()
            try:
                self._rows = self._read()
            except Exception as error:  # noqa: BLE001  any store's; the next scrape asks again
                self._rows = ()
                log.warning("monitoring_not_read", error=f"{type(error).__name__}: {error}")
        return self._rows


def _families(rows: Sequence[Measured]) -> dict[str, GaugeMetricFamily]:
    families = {
        name: GaugeMetricFamily(f"stock_{name}", text, labels=[*_INSTRUMENT, *labels])
        for name, text, labels in (
            (
                "forecast_error",
                "Of the newest settled forecasts, in log returns",
                ["model_version", "horizon", "measure"],
            ),
            ("settled_forecasts", "Forecasts that the newest errors and shares rest on", ["model_version", "horizon"]),
            ("interval_coverage_ratio", "Share of closes inside their intervals", ["horizon", "level"]),
            ("drift_statistic", "Largest of a group, in multiples of what 1 % of quiet windows reach", ["group"]),
            ("drift_features", "Features, returns or forecasts that drifted", ["group"]),
            ("drift_sessions", "Of the newest sessions, those at which anything drifted", []),
            ("feature_parity_difference", "Largest relative difference of features computed again", []),
            ("data_freshness_sessions", "Sessions that should be stored and are not", []),
            ("quality_findings", "Faults in the newest sessions", ["check"]),
            ("monitored_timestamp_seconds", "When the instrument was last looked at", []),
        )
    }
    for row in rows:
        found = _sample(row)
        if found is not None:
            name, labels = found
            families[name].add_metric([row.exchange, row.ticker, *labels], row.value)
    for (exchange, ticker), at in {(row.exchange, row.ticker): row.measured_at for row in rows}.items():
        families["monitored_timestamp_seconds"].add_metric([exchange, ticker], at.timestamp())
    return families


def _sample(row: Measured) -> tuple[str, list[str]] | None:
    """The metric and the further labels of a number; None: it is only in the table."""
    match row.monitor, row.measure:
        case "accuracy", measure if measure in _ERRORS:
            return "forecast_error", [row.model_version or "", row.part, measure]
        case "accuracy", "n":
            return "settled_forecasts", [row.model_version or "", row.part]
        case "coverage", level:
            return "interval_coverage_ratio", [row.part, level]
        case "drift", "statistic":
            return "drift_statistic", [row.part]
        case "drift", "features" if row.part:
            return "drift_features", [row.part]
        case "drift", "sessions":
            return "drift_sessions", []
        case "parity", "difference":
            return "feature_parity_difference", []
        case "freshness", _:
            return "data_freshness_sessions", []
        case "quality", _:
            return "quality_findings", [row.part]
    return None
