"""Prices from a source to the warehouse, over real PostgreSQL and ClickHouse, in databases of these tests' own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zlib import crc32

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import Engine, text
from stock_kit.clock import Clock, FixedClock, wall_now
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.errors import ConflictError, DependencyUnavailableError
from stock_mlops.features import FEATURE_VERSION, compute_features, default_features, feature_names
from stock_mlops.instruments import Instrument
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.schema import CLEAN_SCHEMA, RAW_SCHEMA
from stock_mlops.prices.sources import Fetched, FetchRequest
from stock_mlops.prices.sources.base import Timeline
from stock_mlops.prices.sources.sample import _daily
from stock_mlops.services.ingest import Ingest
from stock_mlops.services.ingest_report import IngestReport
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.quarantine import Quarantine
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse, version_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

KEYS = ["exchange", "ticker", "session"]
NOW = datetime(2013, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(local_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    local_stack.require("raw_db", "model_meta_db", "clickhouse")
    given = local_stack.settings
    for database in (given.raw_db, given.model_meta_db):
        with get_engine(database).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {database.database}_data"))
    own = given.model_copy(
        update={
            "raw_db": given.raw_db.model_copy(update={"database": "raw_db_data"}),
            "model_meta_db": given.model_meta_db.model_copy(update={"database": "model_meta_db_data"}),
            "clickhouse": given.clickhouse.model_copy(update={"database": "stock_data"}),
            "etl": given.etl.model_copy(update={"export_dir": tmp_path_factory.mktemp("exports")}),
        }
    )
    migrate(own)
    return own


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return get_engine(settings.raw_db)


@pytest.fixture(scope="module")
def raw(engine: Engine) -> RawPrices:
    return RawPrices(engine)


@pytest.fixture(scope="module")
def warehouse(settings: Settings) -> Warehouse:
    return Warehouse(open_client(settings.clickhouse))


@pytest.fixture
def ticker(request: pytest.FixtureRequest) -> Instrument:
    """An instrument of this test's own."""
    return Instrument("US", f"T{crc32(request.node.name.encode())}")


@dataclass
class FrameSource:
    """Gives frames as they are."""

    frames: Sequence[Fetched] = ()
    name: str = "frames"
    timeline: Timeline = "live"
    requests: list[FetchRequest] = field(default_factory=list)

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(item.instrument for item in self.frames)

    def fetch(self, request: FetchRequest) -> Iterator[Fetched]:
        self.requests.append(request)
        yield from self.frames


class StoppedClocks:
    def clock(self, timeline: str) -> Clock:
        assert timeline in ("live", "replay")
        return FixedClock(NOW)


@pytest.fixture
def loaded() -> list[Instrument]:
    return []


@pytest.fixture
def ingest(
    settings: Settings, engine: Engine, raw: RawPrices, warehouse: Warehouse, loaded: list[Instrument]
) -> Ingest:
    return make_ingest(settings, engine, raw, warehouse, loaded)


def make_ingest(
    settings: Settings, engine: Engine, raw: RawPrices, warehouse: Warehouse, loaded: list[Instrument]
) -> Ingest:
    quarantine = Quarantine(engine)
    folder = settings.etl.export_dir
    return Ingest(raw, quarantine, warehouse, StoppedClocks(), settings.etl, folder, loaded.extend)


def msft(instrument: Instrument, rows: int = 600) -> pl.DataFrame:
    """Real rows (with a split and two dividends from row 740 on) under another name."""
    return (
        _daily()
        .filter(ticker="MSFT")
        .with_columns(exchange=pl.lit(instrument.exchange), ticker=pl.lit(instrument.ticker), source=pl.lit("frames"))
        .head(rows)
    )


def load(ingest: Ingest, instrument: Instrument, rows: pl.DataFrame, timeline: Timeline = "live") -> IngestReport:
    return ingest.run(FrameSource([Fetched(instrument, rows)], timeline=timeline))


def assert_warehouse_is(warehouse: Warehouse, instrument: Instrument, rows: pl.DataFrame) -> None:
    """The warehouse holds what a computation from all raw rows gives."""
    clean = adjust(rows.select(*RAW_SCHEMA))
    assert_frame_equal(warehouse.prices(instrument).select(*CLEAN_SCHEMA), clean)
    stored = warehouse.features(instrument, feature_names())
    assert set(stored["feature_version"]) == {FEATURE_VERSION}
    expected = compute_features(clean).drop("exchange", "ticker")
    assert_frame_equal(stored.drop("feature_version", "version"), expected, rel_tol=1e-9, abs_tol=1e-9)


def quarantined(engine: Engine, instrument: Instrument) -> list[tuple[date | None, int, str, bool]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT session, row_number, reason, resolved_at IS NOT NULL FROM quarantine"
                " WHERE ticker = :t ORDER BY id"
            ),
            {"t": instrument.ticker},
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]


# --- loading ---


def test_a_second_load_writes_nothing_and_says_so(
    ingest: Ingest, warehouse: Warehouse, ticker: Instrument, loaded: list[Instrument]
) -> None:
    rows = msft(ticker)
    first, second = load(ingest, ticker, rows), load(ingest, ticker, rows)
    assert (first.new, first.changed, first.tickers[0].warehouse) == (600, 0, "all")
    assert (second.new, second.changed, second.tickers[0].unchanged) == (0, 0, 600)
    assert second.tickers[0].warehouse == "nothing"
    assert loaded == [ticker]
    assert_warehouse_is(warehouse, ticker, rows)


def test_new_sessions_are_appended_with_the_values_of_a_full_run(
    ingest: Ingest, warehouse: Warehouse, ticker: Instrument
) -> None:
    rows = msft(ticker, 610)
    load(ingest, ticker, rows.head(600))
    for count in (601, 602, 610):
        report = load(ingest, ticker, rows.slice(595, count - 595))
        assert report.tickers[0].warehouse == "tail"
    assert_warehouse_is(warehouse, ticker, rows)


@pytest.mark.parametrize("row", [740, 741])
def test_a_split_or_dividend_rewrites_the_past(
    ingest: Ingest, warehouse: Warehouse, ticker: Instrument, row: int
) -> None:
    actions = _daily().filter(ticker="MSFT").with_row_index().filter((pl.col("split") != 1) | (pl.col("dividend") > 0))
    index = actions["index"][row - 740]
    rows = msft(ticker, index + 1)
    load(ingest, ticker, rows.head(index))
    assert load(ingest, ticker, rows.tail(1)).tickers[0].warehouse == "all"
    assert_warehouse_is(warehouse, ticker, rows)
    assert warehouse.prices(ticker)["factor"][0] < 1


def test_a_correction_of_the_past_is_kept_beside_what_it_replaced(
    ingest: Ingest, raw: RawPrices, warehouse: Warehouse, ticker: Instrument
) -> None:
    rows = msft(ticker)
    load(ingest, ticker, rows)
    between = wall_now()
    corrected = rows.with_columns(volume=pl.when(pl.int_range(pl.len()) == 100).then(7.0).otherwise("volume"))
    report = load(ingest, ticker, corrected)
    assert (report.new, report.changed, report.tickers[0].warehouse) == (0, 1, "all")
    assert raw.read(ticker)["volume"][100] == 7.0
    assert_frame_equal(raw.read(ticker, as_of=between).select(*RAW_SCHEMA), rows.select(*RAW_SCHEMA))
    assert raw.read(ticker, as_of=between - timedelta(days=1)).is_empty()
    assert_warehouse_is(warehouse, ticker, corrected)


def test_a_missing_session_that_arrives_later_is_filled_in(
    ingest: Ingest, warehouse: Warehouse, ticker: Instrument
) -> None:
    rows = msft(ticker, 100)
    holed = pl.concat([rows.head(50), rows.slice(51)])
    assert load(ingest, ticker, holed).tickers[0].missing_sessions == 1
    report = load(ingest, ticker, rows)
    assert (report.new, report.tickers[0].missing_sessions, report.tickers[0].warehouse) == (1, 0, "all")
    assert_warehouse_is(warehouse, ticker, rows)


def test_what_a_crash_left_undone_is_done_by_the_next_load(
    settings: Settings, engine: Engine, raw: RawPrices, warehouse: Warehouse, ticker: Instrument
) -> None:
    class Dying(Warehouse):
        def write_features(self, features: pl.DataFrame) -> None:
            raise KeyboardInterrupt

    rows = msft(ticker)
    dying = make_ingest(settings, engine, raw, Dying(open_client(settings.clickhouse)), [])
    with pytest.raises(KeyboardInterrupt):
        load(dying, ticker, rows)
    assert raw.states([ticker])[ticker].rows == 600
    assert warehouse.states([ticker])[ticker].rows == 0
    loaded: list[Instrument] = []
    report = load(make_ingest(settings, engine, raw, warehouse, loaded), ticker, rows)
    assert (report.new, report.tickers[0].warehouse, loaded) == (0, "all", [ticker])
    assert_warehouse_is(warehouse, ticker, rows)


def test_a_ticker_that_fails_does_not_fail_the_others(ingest: Ingest, ticker: Instrument) -> None:
    unknown, broken = Instrument("US", "UNKNOWN"), Instrument("US", "BROKEN")
    report = ingest.run(
        FrameSource(
            [
                Fetched(unknown, error="no such symbol"),
                Fetched(broken, msft(broken).with_columns(ticker=pl.lit("not a ticker"))),
                Fetched(ticker, msft(ticker, 50)),
            ]
        )
    )
    by_ticker = {item.instrument: item for item in report.tickers}
    assert by_ticker[unknown].error == "no such symbol"
    assert "ticker: expected 1 to 20 of A-Z" in str(by_ticker[broken].error)
    assert (by_ticker[ticker].error, by_ticker[ticker].new) == (None, 50)
    assert [item.instrument for item in report.failed] == [broken, unknown]


def test_the_export_is_one_whole_file_per_ticker(ingest: Ingest, settings: Settings, ticker: Instrument) -> None:
    rows = msft(ticker, 300)
    load(ingest, ticker, rows)
    [file] = (settings.etl.export_dir / "US").glob(f"{ticker.ticker}*")
    exported = pl.read_parquet(file)
    assert exported["session"].to_list() == rows["session"].to_list()
    assert set(exported.columns) == {*CLEAN_SCHEMA, *feature_names()}


def test_a_clickhouse_that_does_not_answer_is_named(
    settings: Settings, engine: Engine, raw: RawPrices, ticker: Instrument
) -> None:
    client = open_client(settings.clickhouse)
    client.close_connections()

    class Unreachable(Warehouse):
        def states(self, instruments: Iterable[Instrument]) -> dict:  # type: ignore[type-arg]
            return Warehouse(open_client(settings.clickhouse.model_copy(update={"port": 1}))).states(instruments)

    with pytest.raises(DependencyUnavailableError, match="ClickHouse is unavailable"):
        load(make_ingest(settings, engine, raw, Unreachable(client), []), ticker, msft(ticker, 10))


# --- the quality gate ---


def test_refused_rows_go_to_quarantine_once_and_are_resolved_by_a_good_row(
    ingest: Ingest, engine: Engine, ticker: Instrument
) -> None:
    rows = msft(ticker, 30)
    broken = rows.with_columns(close=pl.when(pl.int_range(pl.len()) == 10).then(None).otherwise("close"))
    for _ in range(2):
        report = load(ingest, ticker, broken)
        [rejection] = report.tickers[0].rejections
        assert (rejection.session, rejection.reason) == (rows["session"][10], "close is missing")
        assert rejection.row_number == rows["row_number"][10]
    entry = (rows["session"][10], rows["row_number"][10], "close is missing")
    assert quarantined(engine, ticker) == [(*entry, False)]
    assert load(ingest, ticker, rows).new == 1
    assert quarantined(engine, ticker) == [(*entry, True)]


def test_a_move_that_the_source_repeats_a_day_later_is_accepted(
    ingest: Ingest, engine: Engine, raw: RawPrices, ticker: Instrument
) -> None:
    crashed = pl.int_range(pl.len()) >= 20
    prices = ("open", "high", "low", "close")
    rows = msft(ticker, 30).with_columns(pl.when(crashed).then(pl.col(name) * 0.3).otherwise(name) for name in prices)
    for _ in range(2):
        report = load(ingest, ticker, rows)
        assert [item.session for item in report.tickers[0].rejections] == [rows["session"][20]]
    assert raw.states([ticker])[ticker].rows == 29
    with engine.begin() as connection:
        yesterday = {"t": ticker.ticker, "then": wall_now() - timedelta(days=1)}
        connection.execute(text("UPDATE quarantine SET seen_at = :then WHERE ticker = :t"), yesterday)
    assert load(ingest, ticker, rows).new == 1
    last = load(ingest, ticker, rows)
    assert (last.new, last.tickers[0].rejected, last.tickers[0].missing_sessions) == (0, 0, 0)


def test_after_a_crash_was_refused_the_next_sessions_are_loaded(ingest: Ingest, ticker: Instrument) -> None:
    prices = ("open", "high", "low", "close")
    rows = msft(ticker, 30).with_columns(
        pl.when(pl.int_range(pl.len()) >= 20).then(pl.col(name) * 0.3).otherwise(name) for name in prices
    )
    load(ingest, ticker, rows.head(20))
    assert load(ingest, ticker, rows.slice(20, 1)).tickers[0].rejected == 1
    assert load(ingest, ticker, rows.slice(21, 1)).new == 1
    assert load(ingest, ticker, rows.slice(22, 8)).new == 8


# --- timelines ---


def test_a_users_own_data_take_the_place_of_the_replayed_ones(
    ingest: Ingest, raw: RawPrices, warehouse: Warehouse, ticker: Instrument
) -> None:
    rows = msft(ticker, 300)
    load(ingest, ticker, rows, "replay")
    before = wall_now()
    own = rows.slice(100, 150).with_columns(pl.col("open", "high", "low", "close") * 2)
    assert load(ingest, ticker, own).new == 150
    assert_frame_equal(raw.read(ticker).select(*RAW_SCHEMA), own.select(*RAW_SCHEMA))
    assert raw.read(ticker, as_of=before).height == 300
    assert_warehouse_is(warehouse, ticker, own)
    refused = load(ingest, ticker, rows, "replay").tickers[0]
    assert refused.error == "was loaded from 'frames'; the frames does not replace it"
    with pytest.raises(ConflictError, match="must not replace"):
        raw.upsert(rows.select(*RAW_SCHEMA), wall_now(), timeline="replay")
    assert raw.read(ticker).height == 150


# --- stores ---


def test_writers_of_one_instrument_wait_for_each_other(raw: RawPrices, ticker: Instrument) -> None:
    rows = msft(ticker, 400).select(*RAW_SCHEMA)
    versions = [rows.with_columns(volume=pl.lit(float(number))) for number in range(6)]
    stamp = wall_now()
    with ThreadPoolExecutor(6) as pool:
        counts = list(pool.map(lambda frame: raw.upsert(frame, stamp)[ticker], versions))
    assert sorted(count.new for count in counts) == [0, 0, 0, 0, 0, 400]
    assert sum(count.changed for count in counts) == 5 * 400
    stored = raw.read(ticker)
    assert stored["volume"].n_unique() == 1
    assert stored["ingested_at"].unique().to_list() == [stamp + timedelta(microseconds=5)]


def test_an_upsert_counts_new_changed_and_unchanged_rows(raw: RawPrices, ticker: Instrument) -> None:
    rows = msft(ticker, 10).select(*RAW_SCHEMA)
    raw.upsert(rows.head(6), wall_now())
    mixed = rows.with_columns(close=pl.when(pl.int_range(pl.len()) < 2).then(pl.col("close") + 0.01).otherwise("close"))
    count = raw.upsert(mixed, wall_now())[ticker]
    assert (count.new, count.changed, count.unchanged) == (4, 2, 4)


def test_a_name_stays_until_a_source_knows_another(raw: RawPrices, ticker: Instrument) -> None:
    rows = msft(ticker, 10).select(*RAW_SCHEMA)

    def name() -> str:
        return next(item.name for item in raw.instruments("live") if item.instrument == ticker)

    for names, expected in (
        ({}, ""),
        ({ticker: "Micro"}, "Micro"),
        ({}, "Micro"),
        ({ticker: "Microsoft"}, "Microsoft"),
    ):
        raw.upsert(rows, wall_now(), names=names)
        assert name() == expected


def test_another_adjusted_close_alone_is_no_change(raw: RawPrices, ticker: Instrument) -> None:
    """Sources rewrite it for all the past at each dividend."""
    rows = msft(ticker, 10).select(*RAW_SCHEMA)
    raw.upsert(rows, wall_now())
    assert raw.upsert(rows.with_columns(pl.col("adj_close") * 0.99), wall_now())[ticker].unchanged == 10


def test_numbers_survive_the_way_through_postgresql(raw: RawPrices, ticker: Instrument) -> None:
    rows = msft(ticker, 4).with_columns(
        close=pl.Series([0.1 + 0.2, 1e-7, 123456789.123456789, 1e15]), adj_close=pl.Series([None, 1 / 3, 2.0, 3.0])
    )
    raw.upsert(rows.select(*RAW_SCHEMA), wall_now())
    assert_frame_equal(raw.read(ticker).select(*RAW_SCHEMA), rows.select(*RAW_SCHEMA), check_exact=True)


def test_reads_take_the_newest_version_of_each_session(warehouse: Warehouse, ticker: Instrument) -> None:
    warehouse.ensure_feature_columns(feature_names())
    clean = adjust(msft(ticker, 50).select(*RAW_SCHEMA))
    for version, factor in ((2, 2.0), (3, 3.0), (1, 1.0)):
        stamp = pl.lit(version, dtype=pl.UInt64)
        warehouse.write_prices(clean.with_columns(raw_close=pl.lit(factor), version=stamp))
        features = compute_features(clean).with_columns(MA5=pl.lit(factor), feature_version=pl.lit("x"), version=stamp)
        warehouse.write_features(features)
    assert warehouse.prices(ticker)["raw_close"].to_list() == [3.0] * 50
    assert warehouse.features(ticker, ["MA5"])["MA5"].to_list() == [3.0] * 50
    vector = warehouse.latest_vector(ticker)
    assert vector is not None
    assert (vector.last_close, vector.values["MA5"], vector.data_version) == (3.0, 3.0, "3")
    assert warehouse.latest_vectors([Instrument("US", "NOBODY"), ticker]) == {ticker: vector}
    [dataset] = [row for row in warehouse.datasets() if row.ticker == ticker.ticker]
    assert (dataset.rows, dataset.last_close) == (50, 3.0)


def test_the_vector_is_of_the_newest_features_however_far_prices_are(warehouse: Warehouse, ticker: Instrument) -> None:
    """A load that was cut off, or a backup of tables one after the other, leaves prices without features."""
    warehouse.ensure_feature_columns(feature_names())
    clean = adjust(msft(ticker, 50).select(*RAW_SCHEMA)).with_columns(version=pl.lit(1, dtype=pl.UInt64))
    warehouse.write_prices(clean)
    warehouse.write_features(
        compute_features(clean).head(40).with_columns(feature_version=pl.lit("x"), version=clean["version"][:40])
    )
    vector = warehouse.latest_vector(ticker)
    assert vector is not None
    assert (vector.session, vector.last_close) == (clean["session"][39], clean["raw_close"][39])
    assert warehouse.latest_vectors([ticker]) == warehouse.session_vectors([ticker], vector.session) == {ticker: vector}


def test_the_vector_is_what_a_model_was_trained_on(ingest: Ingest, warehouse: Warehouse, ticker: Instrument) -> None:
    load(ingest, ticker, msft(ticker))
    frame, version, as_of = warehouse.training_frame(ticker, default_features())
    vector = warehouse.latest_vector(ticker)
    assert vector is not None
    last = frame.row(-1, named=True)
    assert vector.session == last["session"]
    assert [vector.values[name] for name in default_features()] == [last[name] for name in default_features()]
    assert (vector.feature_version, frame.columns[:3]) == (FEATURE_VERSION, ["session", "open", "close"])
    assert warehouse.training_frame(ticker, default_features()).data_version == version
    assert warehouse.training_frame(ticker, default_features(), end=date(2001, 1, 1)).data_version != version
    assert str(version_of(as_of)) == vector.data_version


def test_members_of_a_panel_are_read_at_once_as_each_by_itself(
    ingest: Ingest, warehouse: Warehouse, ticker: Instrument
) -> None:
    other, nobody = Instrument("US", f"{ticker.ticker}2"), Instrument("US", "NOBODY")
    load(ingest, ticker, msft(ticker, 50))
    load(ingest, other, msft(other, 80))
    names = ["MA5", "close", "return_1"]
    read = warehouse.training_frames([other, nobody, ticker], names, end=date(2100, 1, 1))
    assert list(read) == [other, nobody, ticker]
    assert [part.frame.height for part in read.values()] == [80, 0, 50]
    for instrument, part in read.items():
        alone = warehouse.training_frame(instrument, names)
        assert part.frame.equals(alone.frame, null_equal=True)
        assert part[1:] == alone[1:]


def test_spans_are_inclusive_and_unknown_instruments_empty(
    ingest: Ingest, warehouse: Warehouse, ticker: Instrument
) -> None:
    rows = msft(ticker, 20)
    load(ingest, ticker, rows)
    start, end = rows["session"][3], rows["session"][6]
    assert warehouse.prices(ticker, start, end).height == 4
    assert warehouse.features(ticker, ["MA5", "close"], start, end)["MA5"].null_count() == 1
    nobody = Instrument("US", "NOBODY")
    assert warehouse.prices(nobody).is_empty()
    assert warehouse.latest_vector(nobody) is None
    assert warehouse.training_frame(nobody, ["MA5"])[0].is_empty()
