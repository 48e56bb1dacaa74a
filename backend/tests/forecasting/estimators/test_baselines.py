from __future__ import annotations

import numpy as np
import pytest

from .conftest import Case

RETURNS = np.array([0.04, -0.02, 0.01, 0.03, 0.01, -0.03])
ROWS = np.zeros((6, 2))


def test_the_random_walk_forecasts_no_return() -> None:
    assert Case("random_walk", "regression").new().fit(ROWS, RETURNS).predict(ROWS).tolist() == [0.0] * 6


def test_the_mean_is_that_of_the_window() -> None:
    forecast = Case("mean", "regression").new().fit(ROWS, RETURNS).predict(ROWS[:1])
    assert forecast == pytest.approx([RETURNS.mean()])


def test_the_mean_of_directions_is_the_share_of_rises() -> None:
    assert Case("mean", "direction").new().fit(ROWS, RETURNS).predict(ROWS[:1]) == pytest.approx([4 / 6])


def test_the_drift_is_the_mean_of_the_newest_sessions() -> None:
    drift = Case("drift", "regression")
    assert drift.new(window=2).fit(ROWS, RETURNS).predict(ROWS[:1]) == pytest.approx([-0.01])
    assert drift.new(window=252).fit(ROWS, RETURNS).predict(ROWS[:1]) == pytest.approx([RETURNS.mean()])


def test_the_drift_counts_sessions_and_not_rows() -> None:
    panel = np.array([0, 0, 1, 1, 2, 2])
    forecast = Case("drift", "regression").new(window=2).fit(ROWS, RETURNS, panel).predict(ROWS[:1])
    assert forecast == pytest.approx([RETURNS[2:].mean()])


def test_the_drift_grows_with_the_horizon() -> None:
    """A price that rises by 0.1 % per session plus noise, trained on labels of one and of five sessions."""
    daily = np.random.default_rng(1).normal(0.001, 0.0001, 600)
    path = np.cumsum(daily)
    one, five = (
        float(
            Case("drift", "regression")
            .new(horizon=h)
            .fit(np.zeros((600 - h, 1)), path[h:] - path[:-h])
            .predict(ROWS[:1, :1])[0]
        )
        for h in (1, 5)
    )
    assert five == pytest.approx(5 * one, rel=0.02)
