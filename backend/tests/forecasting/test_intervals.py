from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.forecasting.intervals import Intervals, conformal_half_width


def test_the_half_width_is_the_finite_sample_quantile() -> None:
    errors = np.arange(1.0, 20.0)  # 19 errors: ceil(20 * 0.9) = 18th smallest
    assert conformal_half_width(errors, 0.9) == 18.0
    assert conformal_half_width(-errors, 0.9) == 18.0


def test_too_few_errors_give_the_widest_that_is_known() -> None:
    assert conformal_half_width(np.array([0.3, -0.5]), 0.9) == 0.5
    with pytest.raises(ValueError, match="at least one"):
        conformal_half_width(np.array([]), 0.9)


def test_new_errors_are_covered_at_the_stated_level() -> None:
    rng = np.random.default_rng(0)
    covered = [abs(rng.standard_t(4)) <= conformal_half_width(rng.standard_t(4, 99), 0.9) for _ in range(4000)]
    assert 0.885 <= np.mean(covered) <= 0.915


@given(st.lists(st.floats(0.001, 0.1), min_size=2, max_size=8), st.integers(0, 1000))
def test_intervals_never_narrow_with_the_horizon(scales: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    intervals = Intervals.of([rng.normal(0, scale, 60) for scale in scales])
    widths = [intervals.half_width(horizon) for horizon in range(1, len(scales) + 1)]
    assert widths == sorted(widths)


def test_the_probability_of_a_rise_is_the_share_of_errors_that_leave_it_above_zero() -> None:
    errors = np.random.default_rng(1).normal(0, 0.01, 5000)
    intervals = Intervals.of([errors])
    for predicted in (-0.02, -0.004, 0.0, 0.003, 0.015):
        assert intervals.probability_up(1, predicted) == pytest.approx(np.mean(errors > -predicted), abs=0.005)


def test_a_probability_is_never_certain_and_rises_with_the_forecast() -> None:
    intervals = Intervals.of([np.random.default_rng(1).normal(0, 0.01, 99)])
    probabilities = [intervals.probability_up(1, value) for value in np.linspace(-1, 1, 41)]
    assert probabilities == sorted(probabilities)
    assert probabilities[0] == pytest.approx(0.01)
    assert probabilities[-1] == pytest.approx(0.99)


def test_saved_intervals_answer_the_same(tmp_path: Path) -> None:
    intervals = Intervals.of([np.random.default_rng(horizon).normal(0, 0.01, 200) for horizon in range(3)])
    intervals.save(tmp_path / "intervals.npz")
    again = Intervals.load(tmp_path / "intervals.npz")
    for horizon in (1, 2, 3):
        assert again.half_width(horizon) == intervals.half_width(horizon)
        assert again.probability_up(horizon, 0.004) == intervals.probability_up(horizon, 0.004)
    assert again.level == intervals.level
