from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from stock_mlops.monitoring.parity import TOLERANCE, difference, shifted

DAY = date(2012, 6, 29)
NAMES = ("small", "large")


def test_the_difference_is_relative_to_large_values_and_absolute_for_small_ones() -> None:
    found = difference(DAY, NAMES, np.array([0.001, 70.0]), np.array([0.0011, 70.7]))
    assert found.largest == pytest.approx(0.7 / 70.7)
    assert found.feature == "large"


def test_equal_vectors_do_not_differ_also_where_both_know_nothing() -> None:
    assert difference(DAY, NAMES, np.array([np.nan, 2.0]), np.array([np.nan, 2.0])).largest == 0.0


def test_a_value_that_only_one_of_them_knows_differs_beyond_any_limit() -> None:
    found = difference(DAY, NAMES, np.array([np.nan, 2.0]), np.array([1.0, 2.0]))
    assert (found.largest, found.feature) == (np.inf, "small")


def test_rounding_is_within_the_tolerance() -> None:
    value = np.array([1 / 3, 61.234567])
    assert difference(DAY, NAMES, value, value * (1 + 4e-16)).largest < TOLERANCE / 1000


def test_rows_that_hold_the_session_before_are_found() -> None:
    again = np.random.default_rng(1).normal(size=(12, 5))
    stored = again.copy()
    stored[7:] = again[6:-1]
    assert shifted(stored, again) == [7, 8, 9, 10, 11]


def test_a_row_that_is_wrong_otherwise_is_not_called_late() -> None:
    again = np.random.default_rng(1).normal(size=(6, 5))
    stored = again + 1.0
    assert shifted(stored, again) == []


def test_features_that_stand_still_do_not_tell() -> None:
    again = np.tile([1.0, np.nan, 3.0], (6, 1))
    assert shifted(again.copy(), again) == []
    moving = np.column_stack([again, np.arange(6.0)])
    assert shifted(moving.copy(), moving) == []
    late = moving.copy()
    late[1:, 3] = moving[:-1, 3]
    assert shifted(late, moving) == [1, 2, 3, 4, 5]
