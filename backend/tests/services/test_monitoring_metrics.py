from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from stock_mlops.services import monitoring_metrics
from stock_mlops.services.monitoring_metrics import MonitoringCollector
from stock_mlops.stores.monitoring import Measured

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
NUMBERS = (
    ("accuracy", "1", "rmse", 0.012),
    ("accuracy", "1", "n", 60.0),
    ("coverage", "1", "0.9", 0.88),
    ("drift", "volatility", "statistic", 1.7),
    ("drift", "volatility", "features", 3.0),
    ("drift", "", "features", 3.0),
    ("drift", "", "sessions", 4.0),
    ("parity", "", "difference", 2e-16),
    ("parity", "", "vectors", 50.0),
    ("freshness", "", "sessions", 2.0),
    ("quality", "repeated_bar", "findings", 1.0),
    ("age", "", "sessions", 12.0),
)


def measured(monitor: str, part: str, measure: str, value: float, at: datetime = NOW) -> Measured:
    return Measured("US", "AAPL", monitor, part, measure, date(2012, 6, 29), value, None, "stock-US-AAPL", "3", at)


class Table:
    def __init__(self, *rows: Measured) -> None:
        self.rows: Sequence[Measured] = rows
        self.reads = 0
        self.error: Exception | None = None

    def newest(self) -> Sequence[Measured]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.rows


def scrape(collector: MonitoringCollector) -> dict[str, tuple[dict[str, str], float]]:
    """Labels beside the instrument's, and value, by name."""
    registry = CollectorRegistry()
    registry.register(collector)
    samples = [sample for family in registry.collect() for sample in family.samples]
    assert all((sample.labels["exchange"], sample.labels["ticker"]) == ("US", "AAPL") for sample in samples)
    assert len({sample.name for sample in samples}) == len(samples)
    return {
        sample.name: (
            {name: value for name, value in sample.labels.items() if name not in ("exchange", "ticker")},
            sample.value,
        )
        for sample in samples
    }


@pytest.fixture
def table() -> Table:
    return Table(*(measured(*number) for number in NUMBERS))


def test_each_number_is_a_gauge_of_the_agreed_name(table: Table) -> None:
    assert scrape(MonitoringCollector(table.newest, lambda: NOW)) == {
        "stock_forecast_error": ({"model_version": "3", "horizon": "1", "measure": "rmse"}, 0.012),
        "stock_settled_forecasts": ({"model_version": "3", "horizon": "1"}, 60.0),
        "stock_interval_coverage_ratio": ({"horizon": "1", "level": "0.9"}, 0.88),
        "stock_drift_statistic": ({"group": "volatility"}, 1.7),
        "stock_drift_features": ({"group": "volatility"}, 3.0),
        "stock_drift_sessions": ({}, 4.0),
        "stock_feature_parity_difference": ({}, 2e-16),
        "stock_data_freshness_sessions": ({}, 2.0),
        "stock_quality_findings": ({"check": "repeated_bar"}, 1.0),
        "stock_monitored_timestamp_seconds": ({}, NOW.timestamp()),
    }


def test_an_instrument_that_nobody_looks_at_any_more_is_forgotten(table: Table) -> None:
    assert scrape(MonitoringCollector(table.newest, lambda: NOW + timedelta(days=5))) == {}


def test_registering_asks_no_store_and_scrapes_in_a_row_ask_once(table: Table) -> None:
    collector = MonitoringCollector(table.newest, lambda: NOW)
    registry = CollectorRegistry()
    registry.register(collector)
    assert table.reads == 0
    for _ in range(3):
        list(registry.collect())
    assert table.reads == 1


def test_a_store_that_does_not_answer_fails_no_scrape(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring_metrics, "_CACHE_SECONDS", 0.0)
    table.error = ConnectionError("ClickHouse is down")
    collector = MonitoringCollector(table.newest, lambda: NOW)
    assert scrape(collector) == {}
    table.error = None
    assert len(scrape(collector)) == 10
