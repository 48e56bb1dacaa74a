from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from prometheus_client import CollectorRegistry
from stock_kit.clock import FixedClock
from stock_mlops.instruments import Instrument
from stock_mlops.services.platform_metrics import READ_ERRORS, PlatformCollector
from stock_mlops.stores.jobs import JobKind, JobState
from stock_mlops.stores.market_clock import MemoryClocks
from stock_mlops.stores.platform_state import EtlEnd, JobGroup, ServingVersion
from stock_mlops.stores.quarantine_entries import QuarantineCount
from stock_mlops.stores.raw_prices import StoredInstrument

AAPL = Instrument("US", "AAPL")
CREATED = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Friday evening, after the close of XNYS.
NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)


class Stores:
    """All that the collector reads; ``error`` plays a database that is down."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.reads = 0
        self.groups = [
            JobGroup(JobKind.TRAIN, JobState.PENDING, 2, 40.0),
            JobGroup(JobKind.TRAIN, JobState.FAILED, 3, 9e3),
        ]

    def jobs(self) -> list[JobGroup]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.groups

    def serving(self) -> list[ServingVersion]:
        return [ServingVersion("stock-us-aapl", 4, "US", ("AAPL", "GONE"), date(2026, 11, 13), CREATED)]

    def etl_ends(self) -> list[EtlEnd]:
        return [EtlEnd("yfinance", "completed", CREATED)]

    def lengths(self) -> dict[str, int]:
        return {"train": 5, "predict": 0}

    def instruments(self) -> list[StoredInstrument]:
        return [StoredInstrument(AAPL, "Apple", "yfinance", "live")]

    def counts(self) -> Mapping[Instrument, QuarantineCount]:
        return {AAPL: QuarantineCount(open=7, resolved=1)}


@pytest.fixture
def stores() -> Stores:
    return Stores()


def registry(stores: Stores, keep_seconds: float = 0.0) -> CollectorRegistry:
    registry = CollectorRegistry()
    clocks = MemoryClocks(FixedClock(NOW))
    registry.register(
        PlatformCollector(stores, stores, stores, stores, clocks, expiry_sessions=63, keep_seconds=keep_seconds)
    )
    return registry


def test_jobs_are_told_by_state_also_those_that_there_are_none_of(stores: Stores) -> None:
    told = registry(stores)
    assert told.get_sample_value("stock_jobs", {"kind": "train", "state": "pending"}) == 2
    assert told.get_sample_value("stock_jobs", {"kind": "train", "state": "failed"}) == 3
    assert told.get_sample_value("stock_jobs", {"kind": "predict_future", "state": "running"}) == 0


def test_a_queues_age_is_that_of_its_first_waiting_job_and_no_ended_ones(stores: Stores) -> None:
    told = registry(stores)
    assert told.get_sample_value("stock_queue_oldest_seconds", {"queue": "train"}) == 40
    stores.groups = stores.groups[1:]
    assert told.get_sample_value("stock_queue_oldest_seconds", {"queue": "train"}) == 0
    assert told.get_sample_value("stock_queue_messages", {"queue": "train"}) == 5


def test_a_models_age_counts_the_sessions_that_closed_since_its_training_data(stores: Stores) -> None:
    told = registry(stores)
    labels = {"exchange": "US", "ticker": "AAPL", "model": "stock-us-aapl", "model_version": "4"}
    assert told.get_sample_value("stock_model_age_sessions", labels) == 5
    assert told.get_sample_value("stock_model_created_timestamp_seconds", labels) == CREATED.timestamp()
    assert told.get_sample_value("stock_model_expiry_sessions") == 63


def test_an_instrument_without_prices_has_no_age(stores: Stores) -> None:
    labels = {"exchange": "US", "ticker": "GONE", "model": "stock-us-aapl", "model_version": "4"}
    assert registry(stores).get_sample_value("stock_model_age_sessions", labels) is None


def test_loads_and_refused_rows_are_told(stores: Stores) -> None:
    told = registry(stores)
    ended = told.get_sample_value("stock_etl_last_end_timestamp_seconds", {"source": "yfinance", "state": "completed"})
    assert ended == CREATED.timestamp()
    assert told.get_sample_value("stock_quarantined_rows", {"exchange": "US", "ticker": "AAPL"}) == 7


def test_a_database_that_is_down_leaves_its_part_out_and_is_counted(stores: Stores) -> None:
    told = registry(stores)
    before = READ_ERRORS.labels("jobs")._value.get()
    stores.error = ConnectionError("no route to host")
    assert told.get_sample_value("stock_jobs", {"kind": "train", "state": "pending"}) is None
    assert told.get_sample_value("stock_queue_messages", {"queue": "train"}) == 5
    assert READ_ERRORS.labels("jobs")._value.get() > before


def test_scrapes_that_follow_at_once_read_once(stores: Stores) -> None:
    told = registry(stores, keep_seconds=60.0)
    for _ in range(3):
        told.get_sample_value("stock_model_expiry_sessions")
    assert stores.reads == 1
