from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from stock_mlops.forecasting.dataset import TooLittleHistoryError, TrainingDataError, build_dataset, log_returns
from stock_mlops.forecasting.splitter import minimum_length

from .conftest import MakeFrame, MakeSpec


def test_labels_are_log_returns_over_each_horizon() -> None:
    close = np.array([1.0, 2.0, 4.0, 2.0])
    y = log_returns(close, 2)
    assert y[:, 0] == pytest.approx(np.log([2, 2, 0.5, np.nan]), nan_ok=True)
    assert y[:, 1] == pytest.approx(np.log([4, 1, np.nan, np.nan]), nan_ok=True)


def test_horizons_count_sessions_of_the_exchange_also_over_missing_rows(
    make_frame: MakeFrame, make_spec: MakeSpec
) -> None:
    frame = make_frame()
    full = build_dataset(make_spec(), frame)
    holed = build_dataset(make_spec(), frame.filter(pl.col("session") != frame["session"][500]))
    assert len(holed) == len(full)
    assert holed.y[498, 1] != holed.y[498, 1]  # NaN: the session two ahead is not known
    assert holed.y[497, 1] == full.y[497, 1]
    assert holed.y[499, 1] == full.y[499, 1]


def test_warm_up_is_left_out(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frame = make_frame().with_columns(gap=pl.when(pl.int_range(pl.len()) < 60).then(None).otherwise(pl.col("gap")))
    dataset = build_dataset(make_spec(), frame)
    assert dataset.day(0) == frame["session"][60]
    assert len(dataset) == 840


def test_start_and_end_are_inclusive(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frame = make_frame()
    start, end = frame["session"][100], frame["session"][700]
    dataset = build_dataset(make_spec(start=start, end=end), frame)
    assert (dataset.day(0), dataset.day(len(dataset) - 1)) == (start, end)


def test_too_little_history_names_the_minimum(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    spec = make_spec()
    needed = minimum_length(spec.validation.folds, spec.horizon, spec.validation.embargo)
    with pytest.raises(TooLittleHistoryError, match=f"US:TEST: expected at least {needed} sessions .* got 200"):
        build_dataset(spec, make_frame(200))
    build_dataset(spec, make_frame(needed))


def test_nothing_stored_says_how_to_load_it(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    with pytest.raises(TooLittleHistoryError, match="no stored prices; load them first"):
        build_dataset(make_spec(), make_frame().clear())


def test_dates_outside_the_history_name_what_is_stored(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    with pytest.raises(TrainingDataError, match="overlap the stored sessions 2003-01-02 to"):
        build_dataset(make_spec(start=date(2030, 1, 2)), make_frame())


def test_a_price_that_never_changes_is_refused(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    with pytest.raises(TrainingDataError, match="the close is 7 in all 900 sessions"):
        build_dataset(make_spec(), make_frame().with_columns(close=pl.lit(7.0)))


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_close_is_refused(make_frame: MakeFrame, make_spec: MakeSpec, bad: float) -> None:
    frame = make_frame().with_columns(close=pl.when(pl.int_range(pl.len()) == 400).then(bad).otherwise(pl.col("close")))
    with pytest.raises(TrainingDataError, match="closes above zero"):
        build_dataset(make_spec(), frame)


def test_a_feature_without_any_value_is_named(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    with pytest.raises(TooLittleHistoryError, match="gap has no value in any of 900 sessions"):
        build_dataset(make_spec(), make_frame().with_columns(gap=pl.lit(None, dtype=pl.Float64)))


def test_a_missing_column_is_named(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    with pytest.raises(TrainingDataError, match="expected the columns gap"):
        build_dataset(make_spec(), make_frame().drop("gap"))


def test_days_that_are_no_sessions_of_the_exchange_are_refused(make_frame: MakeFrame, make_spec: MakeSpec) -> None:
    frame = make_frame().with_columns(session=pl.date_range(date(2003, 1, 2), date(2005, 6, 19), eager=True)[:900])
    with pytest.raises(TrainingDataError, match="2003-01-04 is not a session of US"):
        build_dataset(make_spec(), frame)
