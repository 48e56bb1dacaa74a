"""The contract that every feature keeps, found by the registry: a new definition is tested as soon as it exists."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from stock_mlops.features import (
    FEATURE_VERSION,
    compute_features,
    default_features,
    feature_groups,
    feature_names,
    max_lookback,
)
from stock_mlops.features.registry import Feature, registry
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.sources.sample import SampleSource, _daily

KEYS = ["exchange", "ticker", "session"]
NAMES = feature_names()
CUT = 700
"""Row at which time is cut; later than the longest lookback."""
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    """Real adjusted prices of one share, 1,000 sessions with splits and dividends before them."""
    return adjust(_daily().filter(pl.col("ticker") == "MSFT").head(1000))


@pytest.fixture(scope="module")
def values(clean: pl.DataFrame) -> pl.DataFrame:
    return compute_features(clean)


def relative_gap(left: pl.Series, right: pl.Series, scale: float) -> float:
    assert left.is_null().equals(right.is_null())
    gap = (left - right).abs().max()
    return 0.0 if gap is None else float(gap) / scale  # type: ignore[arg-type]  # a maximum of floats


def scale_of(feature: Feature, values: pl.DataFrame) -> float:
    """What a rounding error is small against: the size of a level's input, of a stationary feature's own values."""
    if feature.stationary:
        return max(1.0, float(np.nanmax(np.abs(values[feature.name].to_numpy()))))
    column = "volume" if "volume" in feature.inputs else "close"
    return float(np.abs(values[column].to_numpy()).max())


@pytest.fixture(scope="module")
def truncated(clean: pl.DataFrame) -> pl.DataFrame:
    return compute_features(clean.head(CUT))


@pytest.fixture(scope="module")
def perturbed(clean: pl.DataFrame) -> pl.DataFrame:
    late = pl.int_range(pl.len()) >= CUT
    columns = ("open", "high", "low", "close", "volume")
    return compute_features(
        clean.with_columns(pl.when(late).then(pl.col(column) * 7.3).otherwise(column) for column in columns)
    )


@pytest.fixture(scope="module")
def tails(clean: pl.DataFrame) -> dict[int, pl.DataFrame]:
    return {first: compute_features(clean.slice(first)) for first in (100, 237)}


@pytest.fixture(scope="module")
def in_another_currency(clean: pl.DataFrame) -> pl.DataFrame:
    return compute_features(clean.with_columns(pl.col("open", "high", "low", "close") * 64))


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_later_changes_no_past_value_by_its_absence(
    name: str, truncated: pl.DataFrame, values: pl.DataFrame
) -> None:
    assert truncated[name].equals(values[name].head(CUT), null_equal=True)


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_later_changes_no_past_value_by_its_size(
    name: str, perturbed: pl.DataFrame, values: pl.DataFrame
) -> None:
    assert perturbed[name].head(CUT).equals(values[name].head(CUT), null_equal=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_start_before_the_lookback_does_not_show(
    name: str, tails: dict[int, pl.DataFrame], values: pl.DataFrame
) -> None:
    feature = registry()[name]
    for first, computed in tails.items():
        tail = computed[name].slice(feature.lookback)
        whole = values[name].slice(first + feature.lookback)
        assert len(whole) > 100
        assert relative_gap(tail, whole, scale_of(feature, values)) <= TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_a_value_is_there_once_the_window_is_full(name: str, values: pl.DataFrame) -> None:
    assert values[name].slice(registry()[name].lookback).null_count() == 0


@pytest.mark.parametrize("name", NAMES)
def test_values_are_finite_or_null(name: str, values: pl.DataFrame) -> None:
    assert values[name].dtype == pl.Float64
    assert values[name].drop_nulls().is_finite().all()


@pytest.mark.parametrize("name", feature_groups()["all"])
def test_a_stationary_feature_does_not_know_the_price_level(
    name: str, in_another_currency: pl.DataFrame, values: pl.DataFrame
) -> None:
    assert relative_gap(in_another_currency[name], values[name], 1.0) <= 1e-7


def test_tickers_do_not_see_each_other(clean: pl.DataFrame, values: pl.DataFrame) -> None:
    other = clean.with_columns(ticker=pl.lit("OTHER"), close=pl.col("close") * 2 + 1).head(500)
    foreign = other.with_columns(exchange=pl.lit("TW"))
    together = compute_features(pl.concat([foreign, clean, other]).sample(fraction=1.0, shuffle=True, seed=1))
    assert together.height == 2000
    assert_frame_equal(together.filter(pl.col("ticker") == "MSFT"), values, check_exact=True)
    assert_frame_equal(
        together.filter(pl.col("exchange") == "TW").drop(KEYS),
        together.filter(exchange="US", ticker="OTHER").drop(KEYS),
    )


def test_a_ticker_has_the_same_values_whoever_is_computed_with_it(clean: pl.DataFrame, values: pl.DataFrame) -> None:
    """Also with more rows than are computed at once, and beside prices a million times as large."""
    others = [
        clean.with_columns(
            pl.col("close", "high", "low", "open") * 10.0 ** (number % 7), ticker=pl.lit(f"A{number:02}")
        )
        for number in range(40)
    ]
    together = compute_features(pl.concat([*others, clean]))
    assert_frame_equal(together.filter(pl.col("ticker") == "MSFT"), values, check_exact=True)


def test_values_stay_when_others_are_computed_after_them(clean: pl.DataFrame, values: pl.DataFrame) -> None:
    """Every computation uses the same memory again; what it gave away is not touched."""
    first = compute_features(clean)
    compute_features(clean.with_columns(pl.col("close", "open", "high", "low", "volume") * 3.7))
    assert_frame_equal(first, values, check_exact=True)


def test_an_unknown_volume_hides_the_windows_it_is_in_and_no_others(clean: pl.DataFrame, values: pl.DataFrame) -> None:
    gap = clean.with_columns(volume=pl.when(pl.int_range(pl.len()) != 500).then("volume"))
    names = ["VSTD20", "CORR20", "obv_change_20", "volume_to_ma5"]
    computed, whole = compute_features(gap, names), values.select(*KEYS, *names)
    assert_frame_equal(computed[521:], whole[521:], check_exact=True)
    assert_frame_equal(computed[:500], whole[:500], check_exact=True)
    assert computed[500:520].select("VSTD20", "CORR20", "obv_change_20").null_count().row(0) == (20, 20, 20)


def test_names_choose_columns_and_their_order(clean: pl.DataFrame) -> None:
    assert compute_features(clean, ["MA5", "open"]).columns == [*KEYS, "MA5", "open"]
    with pytest.raises(ValueError, match="unknown feature 'nonsense'"):
        compute_features(clean, ["nonsense"])


def test_no_rows_give_no_values(clean: pl.DataFrame) -> None:
    empty = compute_features(clean.clear())
    assert empty.columns == [*KEYS, *NAMES]
    assert empty.is_empty()


def test_a_price_that_stands_still_has_values_nevertheless() -> None:
    days = pl.date_range(date(2020, 1, 1), date(2020, 1, 1) + timedelta(days=499), eager=True)
    still = pl.DataFrame({"session": days}).with_columns(
        exchange=pl.lit("US"),
        ticker=pl.lit("STILL"),
        volume=pl.lit(0.0),
        **{name: pl.lit(12.34) for name in ("open", "high", "low", "close")},
    )
    last = compute_features(still).row(-1, named=True)
    assert [name for name in feature_groups()["all"] if last[name] is None] == []
    assert (last["rsi_14"], last["stochastic_14"], last["bb_position"]) == (50.0, 0.5, 0.0)
    assert (last["SUMP20"], last["SUMD20"], last["RSQR20"], last["RANK20"], last["mfi_14"]) == (0.5, 0, 0, 0.525, 50)
    assert (last["CORR60"], last["kurtosis_20"], last["cci_20"], last["adx_14"], last["KMID2"]) == (0, 0, 0, 0, 0)
    assert (last["volume_zscore_20"], last["volatility_ratio_5_20"], last["volume_to_ma10"]) == (0.0, 1.0, 0.0)


def test_the_registry_has_the_classic_columns_and_a_stationary_set() -> None:
    classic = "open high low close volume MA5 MA10 EMA12 EMA26 MACD MACD_signal MACD_hist BB_upper BB_middle BB_lower"
    assert [*classic.split(), "VOL_MA10"] == list(NAMES[:16])
    assert not set(NAMES[:16]) & set(default_features())
    assert len(default_features()) >= 40
    assert max_lookback(["MA5"]) == 4
    assert max_lookback() == max(feature.lookback for feature in registry().values())
    assert FEATURE_VERSION.startswith("1-")


def test_a_definition_that_hides_an_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"feature wrong: declares the inputs \['close'\], reads \['close', 'open'\]"):
        Feature("wrong", "test", ("close",), 0, pl.col("close") - pl.col("open"))


def test_the_sample_is_what_these_tests_need() -> None:
    assert [instrument.ticker for instrument in SampleSource().instruments()] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
