"""Prices from a source to the warehouse, over real PostgreSQL and ClickHouse."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import Engine, text
from stock_kit.clock import wall_now
from stock_kit.settings import Settings
from stock_mlops.errors import ConflictError, DependencyUnavailableError
from stock_mlops.features import FEATURE_VERSION, compute_features, feature_names
from stock_mlops.instruments import Instrument
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.schema import CLEAN_SCHEMA, RAW_SCHEMA
from stock_mlops.prices.sources import Fetched
from stock_mlops.prices.sources.sample import _daily
from stock_mlops.services.ingest import Ingest
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse

from tests.integration.data.frames import FrameSource, load, make_ingest, msft

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

KEYS = ["exchange", "ticker", "session"]


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


def test_a_full_load_puts_features_right_that_something_else_wrote(
    ingest: Ingest, warehouse: Warehouse, ticker: Instrument, loaded: list[Instrument]
) -> None:
    rows = msft(ticker)
    load(ingest, ticker, rows)
    before = warehouse.latest_vectors([ticker])[ticker]
    stored = warehouse.features(ticker, feature_names()).tail(2)
    late = stored.with_columns(pl.col(*feature_names()).shift(1)).tail(1)
    warehouse.write_features(late.with_columns(exchange=pl.lit(ticker.exchange), ticker=pl.lit(ticker.ticker)))
    assert load(ingest, ticker, rows).tickers[0].warehouse == "nothing"

    for _ in range(2):
        again = ingest.run(FrameSource([Fetched(ticker, rows)]), full=True)
        assert (again.new, again.tickers[0].unchanged, again.tickers[0].warehouse) == (0, 600, "all")
        assert_warehouse_is(warehouse, ticker, rows)
    assert loaded == [ticker] * 3
    # What was served from the rows of before is known by their version.
    assert int(warehouse.latest_vectors([ticker])[ticker].data_version) > int(before.data_version)
    assert load(ingest, ticker, rows).tickers[0].warehouse == "nothing"
    corrected = rows.with_columns(volume=pl.when(pl.int_range(pl.len()) == 599).then(7.0).otherwise("volume"))
    load(ingest, ticker, corrected)
    assert_warehouse_is(warehouse, ticker, corrected)


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
