"""What PostgreSQL keeps of prices, and what is read from the warehouse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from stock_kit.clock import wall_now
from stock_mlops.features import FEATURE_VERSION, compute_features, default_features, feature_names
from stock_mlops.instruments import Instrument
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.schema import RAW_SCHEMA
from stock_mlops.services.ingest import Ingest
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse, version_of

from tests.integration.data.frames import load, msft

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


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
