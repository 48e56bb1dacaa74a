from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.forecasting.intervals import LEVELS, Intervals, conformal_half_width, share_above


def normal_errors(horizons: int = 3, n: int = 5000) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(0, 0.01 * np.sqrt(horizon), n) for horizon in range(1, horizons + 1)]


def test_the_half_width_is_the_conformal_order_statistic() -> None:
    errors = np.array([-1.0, 2.0, -3.0, 4.0, -5.0, 6.0, -7.0, 8.0, -9.0])
    assert conformal_half_width(errors, 0.8) == 8.0  # ceil(10 * 0.8) = 8th smallest
    assert conformal_half_width(errors, 0.9) == 9.0
    assert conformal_half_width(errors, 0.99) == 9.0  # nothing larger was ever seen


def test_an_interval_needs_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        conformal_half_width(np.empty(0))


@given(scale=st.floats(0.01, 20), seed=st.integers(0, 1000))
def test_intervals_never_narrow_with_the_horizon_or_the_level(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = [rng.normal(0, rng.uniform(0.005, 0.03), 60) for _ in range(5)]
    intervals = Intervals.of(errors).scaled(np.exp(rng.normal(0, 1, (5, len(LEVELS)))) * scale)
    widths = np.array([intervals.half_widths(horizon) for horizon in range(1, 6)])
    assert (np.diff(widths, axis=0) >= 0).all()
    assert (np.diff(widths, axis=1) >= 0).all()


def test_each_level_covers_what_it_states() -> None:
    intervals = Intervals.of(normal_errors())
    fresh = np.random.default_rng(2).normal(0, 0.01, 20_000)
    for level in LEVELS:
        assert np.mean(np.abs(fresh) <= intervals.half_width(1, level)) == pytest.approx(level, abs=0.02)


def test_the_probability_of_a_rise_follows_the_error_distribution() -> None:
    intervals = Intervals.of([np.linspace(-0.02, 0.02, 401)])
    assert intervals.probability_up(1, 0.0) == pytest.approx(0.5, abs=0.01)
    assert intervals.probability_up(1, 0.01) == pytest.approx(0.75, abs=0.01)
    # With twice the errors the same forecast says less.
    wider = intervals.scaled(np.full((1, len(LEVELS)), 2.0))
    assert wider.probability_up(1, 0.01) == pytest.approx(0.625, abs=0.01)


def test_nothing_is_certain() -> None:
    intervals = Intervals.of([np.linspace(-0.02, 0.02, 99)])
    assert intervals.probability_up(1, 1.0) == pytest.approx(0.99)
    assert intervals.probability_up(1, -1.0) == pytest.approx(0.01)
    assert share_above(np.zeros(99), np.array([-1.0, 1.0])) == pytest.approx([0.99, 0.01])


def test_saved_intervals_are_those_of_the_validation(tmp_path: Path) -> None:
    intervals = Intervals.of(normal_errors())
    intervals.scaled(np.full((3, len(LEVELS)), 3.0)).save(tmp_path / "intervals.npz")
    loaded = Intervals.load(tmp_path / "intervals.npz")
    assert [loaded.half_widths(horizon) for horizon in (1, 2, 3)] == [
        intervals.half_widths(horizon) for horizon in (1, 2, 3)
    ]
    assert loaded.probability_up(2, 0.004) == intervals.probability_up(2, 0.004)
