"""What forecasts beside each other say, on made-up forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from stock_mlops.forecasting.contenders import Pair
from stock_mlops.retraining.evidence import Shadowed, judge_probation, judge_shadow, settled_sessions


def shadowed(
    n: int = 40,
    *,
    mine: float = 0.0,
    theirs: float = 0.0,
    inside: float = 0.9,
    horizon: int = 1,
    scale: float = 0.01,
    members: int = 1,
) -> Shadowed:
    """``mine`` and ``theirs``: how much noise the two forecasts add to no forecast at all, in units of the returns."""
    rng = np.random.default_rng(n + horizon)
    y, first, second = rng.normal(0, scale, (3, n * members))
    t = np.repeat(np.arange(n), members)
    covered = np.arange(n * members) < round(inside * n * members)
    return Shadowed(Pair(horizon, y, mine * first, theirs * second, t), covered)


def test_a_session_counts_once_whatever_the_members_and_horizons() -> None:
    found = [shadowed(12, members=5), shadowed(9, horizon=4)]
    assert settled_sessions(found) == 12
    assert settled_sessions([]) == 0


def test_equal_versions_pass_the_shadow() -> None:
    assert [check.passed for check in judge_shadow([shadowed()], 0.05)] == [True, True]
    assert [check.passed for check in judge_shadow([shadowed(mine=0.5, theirs=0.5)], 0.05)] == [True, True]


def test_a_challenger_with_larger_errors_fails_and_a_champion_with_larger_ones_does_not() -> None:
    worse, _ = judge_shadow([shadowed(mine=2.0)], 0.05)
    assert not worse.passed
    assert worse.numbers["rmse"] > 1.5 * worse.numbers["champion_rmse"]
    better, _ = judge_shadow([shadowed(theirs=2.0)], 0.05)
    assert better.passed


def test_a_longer_horizon_that_is_worse_is_named() -> None:
    worse, _ = judge_shadow([shadowed(), shadowed(horizon=3, mine=3.0)], 0.05)
    assert not worse.passed
    assert worse.numbers["horizon"] == 3


@pytest.mark.parametrize(("inside", "passed"), [(0.9, True), (1.0, True), (0.85, True), (0.6, False)])
def test_intervals_that_miss_too_often_fail_and_wide_ones_do_not(inside: float, passed: bool) -> None:
    assert judge_shadow([shadowed(inside=inside)], 0.05)[1].passed is passed


def test_a_panels_members_are_no_independent_misses() -> None:
    # 4 of 5 sessions' worth inside: of 5 sessions by chance in 40 %, of 250 rows never.
    _, coverage = judge_shadow([shadowed(5, members=50, inside=0.8)], 0.05)
    assert coverage.passed


def test_too_few_outcomes_say_nothing() -> None:
    assert judge_shadow([shadowed(4, mine=9.0, inside=0.0)], 0.05) == []
    assert judge_probation([shadowed(7, mine=9.0, inside=0.0)], 0.01, 2.0) == []
    assert judge_probation([], 0.01, 2.0) == []


def test_a_probation_within_bounds_holds() -> None:
    assert [check.passed for check in judge_probation([shadowed(20)], 0.01, 2.0)] == [True, True]


def test_threefold_volatility_breaks_a_probation_by_its_errors() -> None:
    errors, _ = judge_probation([shadowed(20, scale=0.03)], 0.01, 2.0)
    assert not errors.passed
    assert errors.numbers["ratio"] == pytest.approx(3.0, rel=0.3)


def test_intervals_that_hold_half_break_a_probation() -> None:
    _, coverage = judge_probation([shadowed(12, inside=0.5)], 0.01, 2.0)
    assert not coverage.passed


def test_a_healthy_version_is_seldom_taken_back_though_it_is_looked_at_every_session() -> None:
    rng = np.random.default_rng(5)
    broken = 0
    for _ in range(300):
        y = rng.standard_t(4, 20) / np.sqrt(2) * 0.01
        inside = rng.random(20) < 0.9
        looks = [
            judge_probation([Shadowed(Pair(1, y[:n], 0 * y[:n], 0 * y[:n], np.arange(n)), inside[:n])], 0.01, 2.0)
            for n in range(1, 21)
        ]
        broken += any(not check.passed for checks in looks for check in checks)
    assert 0 < broken <= 15
