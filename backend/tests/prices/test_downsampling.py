from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.prices.downsampling import bars, largest_triangle_three_buckets, thin_out


def prices(rows: int) -> pl.DataFrame:
    close = [float(number) for number in range(1, rows + 1)]
    return pl.DataFrame(
        {
            "session": [date(2020, 1, 1) + timedelta(days=number) for number in range(rows)],
            "open": [value - 0.5 for value in close],
            "high": [value + 1 for value in close],
            "low": [value - 1 for value in close],
            "close": close,
            "volume": [10.0] * rows,
            "dividend": [0.0] * (rows - 1) + [0.25],
            "split": [1.0] * (rows - 1) + [2.0],
        }
    )


@given(st.integers(1, 400), st.integers(2, 60), st.integers(0, 1000))
def test_so_many_different_rows_stay_in_their_order_first_and_last_among_them(
    rows: int, points: int, seed: int
) -> None:
    y = np.random.default_rng(seed).normal(size=rows)
    kept = largest_triangle_three_buckets(np.arange(rows, dtype=float), y, points)
    assert len(kept) == min(rows, points)
    assert (kept[0], kept[-1]) == (0, rows - 1)
    assert (np.diff(kept) > 0).all()


def test_a_spike_stays() -> None:
    y = np.zeros(1000)
    y[617] = 5.0
    assert 617 in largest_triangle_three_buckets(np.arange(1000.0), y, 20)


def test_it_chooses_as_the_thesis_defines() -> None:
    """By hand: buckets {1, 2} and {3, 4}; the mean after the first is (3.5, 0.5), after the second the last row."""
    x, y = np.arange(6.0), np.array([0.0, 1.0, -3.0, 4.0, -3.0, 0.0])
    assert largest_triangle_three_buckets(x, y, 4).tolist() == [0, 2, 3, 5]


def test_rows_without_the_value_that_is_drawn_are_left_out() -> None:
    frame = prices(50).with_columns(close=pl.when(pl.col("close") > 10).then("close"))
    thin = thin_out(frame, 5, "close")
    assert len(thin) == 5
    assert thin["close"].null_count() == 0
    assert thin["session"][-1] == frame["session"][-1]


def test_a_bar_opens_with_its_first_session_and_closes_with_its_last() -> None:
    found = bars(prices(10), 3)
    assert found.columns == prices(1).columns
    first = found.row(0, named=True)
    assert (first["session"], first["open"], first["close"]) == (date(2020, 1, 1), 0.5, 4.0)
    assert (first["high"], first["low"], first["volume"]) == (5.0, 0.0, 40.0)
    assert found["volume"].sum() == 100.0
    assert (found["dividend"][-1], found["split"][-1]) == (0.25, 2.0)


@pytest.mark.parametrize("points", [10, 11])
def test_as_many_points_as_rows_change_nothing(points: int) -> None:
    assert bars(prices(10), points).equals(prices(10))
    assert thin_out(prices(10), points, "close").equals(prices(10))
