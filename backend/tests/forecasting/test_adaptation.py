from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from stock_mlops.forecasting.adaptation import AdaptiveState, adapt
from stock_mlops.forecasting.intervals import LEVEL, LEVELS, Intervals

DAY = date(2012, 6, 29)
SHOWN = LEVELS.index(LEVEL)


def coverage(calm: np.ndarray, later: np.ndarray, horizon: int = 1) -> np.ndarray:
    """Whether each of ``later`` lay inside the interval as it was when the forecast was made, ``horizon`` before."""
    intervals = Intervals.of([calm] * horizon)
    state = AdaptiveState.start(horizon)
    inside = []
    for position, error in enumerate(later):
        inside.append(abs(error) <= intervals.scaled(state.scales).half_width(horizon))
        known = position - horizon + 1  # the newest forecast whose outcome is known by now
        if known >= 0:
            nothing = [np.empty(0)] * (horizon - 1)
            state = adapt(state, intervals, [*nothing, later[known : known + 1]], DAY)
    return np.array(inside)


@pytest.mark.parametrize("seed", range(5))
def test_after_a_tripled_volatility_coverage_is_soon_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = coverage(rng.normal(0, 0.01, 1000), rng.normal(0, 0.03, 300))
    assert inside[:20].mean() < 0.8
    assert 0.87 <= inside[50:].mean() <= 0.93


def test_overlapping_outcomes_are_followed_too() -> None:
    rng = np.random.default_rng(3)
    steps = np.concatenate([rng.normal(0, 0.01, 1504), rng.normal(0, 0.03, 600)])
    errors = np.convolve(steps, np.ones(5), mode="valid")
    inside = coverage(errors[:1500], errors[1500:], horizon=5)
    assert 0.86 <= inside[100:].mean() <= 0.94


def test_a_miss_widens_by_more_than_a_hit_narrows() -> None:
    intervals = Intervals.of([np.linspace(-0.01, 0.01, 99)])
    start = AdaptiveState.start(1)
    hit, miss = (adapt(start, intervals, [np.array([error])], DAY) for error in (0.0, 1.0))
    assert miss.scales[0, SHOWN] == pytest.approx(np.exp(0.09))
    assert hit.scales[0, SHOWN] == pytest.approx(np.exp(-0.01))
    assert (miss.outcomes[0], miss.misses[0].tolist()) == (1, [1, 1, 1])
    assert miss.through == DAY


def test_counting_at_once_or_one_by_one_is_the_same() -> None:
    rng = np.random.default_rng(4)
    intervals = Intervals.of([rng.normal(0, 0.01, 300)] * 2)
    errors = [rng.normal(0, 0.02, 50) for _ in range(2)]
    at_once = adapt(AdaptiveState.start(2), intervals, errors, DAY)
    state = AdaptiveState.start(2)
    for position in range(50):
        state = adapt(state, intervals, [values[position : position + 1] for values in errors], DAY)
    assert state.to_dict() == at_once.to_dict()


def test_unknown_outcomes_are_skipped_and_the_width_is_bounded() -> None:
    intervals = Intervals.of([np.linspace(-0.01, 0.01, 99)])
    skipped = adapt(AdaptiveState.start(1), intervals, [np.array([np.nan])], DAY)
    assert (skipped.log_scales == 0).all()
    assert skipped.outcomes[0] == 0
    wild = adapt(AdaptiveState.start(1), intervals, [np.full(1000, 1e6)], DAY)
    assert wild.scales.max() <= np.exp(3) + 1e-9


def test_a_state_survives_its_plain_values() -> None:
    intervals = Intervals.of([np.linspace(-0.01, 0.01, 99)])
    state = adapt(AdaptiveState.start(1), intervals, [np.array([0.5, 0.0])], DAY)
    restored = AdaptiveState.from_dict(json.loads(json.dumps(state.to_dict())))
    assert restored.to_dict() == state.to_dict()
    assert AdaptiveState.from_dict(AdaptiveState.start(2).to_dict()).through is None
