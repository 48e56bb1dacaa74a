from __future__ import annotations

import math

import numpy as np
import pytest
from stock_mlops.forecasting.sharpe import (
    SharpeEstimate,
    deflated_sharpe,
    estimate_sharpe,
    expected_best,
    probabilistic_sharpe,
)

# The example of Bailey and López de Prado (2014): five years of daily returns, 250 sessions a year, an annualised
# ratio of 2.5, and trials whose annualised ratios vary by 1/2.
RATIO, VARIANCE = 2.5 / math.sqrt(250), 0.5 / 250


def paper(skewness: float = -3.0, kurtosis: float = 10.0) -> SharpeEstimate:
    return SharpeEstimate(n=1250, ratio=RATIO, skewness=skewness, kurtosis=kurtosis)


def test_the_numbers_of_the_paper_come_out() -> None:
    assert expected_best(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(paper(), trials=100, variance=VARIANCE) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(paper(), trials=46, variance=VARIANCE) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(paper(0.0, 3.0), trials=88, variance=VARIANCE) == pytest.approx(0.9505, abs=5e-5)


def test_more_trials_mean_less_trust() -> None:
    found = [deflated_sharpe(paper(), trials, variance) for variance in (None, VARIANCE) for trials in (1, 2, 10, 1000)]
    assert all(value is not None for value in found)
    for some in (found[:4], found[4:]):
        assert some == sorted(some, key=lambda value: -(value or 0.0))
        assert len(set(some)) == 4


def test_one_trial_has_nothing_to_deflate() -> None:
    assert deflated_sharpe(paper(), trials=1, variance=VARIANCE) == probabilistic_sharpe(paper())


def test_the_expected_best_of_noise_is_what_noise_shows() -> None:
    best = np.random.default_rng(5).normal(0, 0.3, (20_000, 50)).max(axis=1).mean()
    assert expected_best(50, 0.09) == pytest.approx(best, rel=0.02)


def test_the_probability_is_right_for_skewed_returns_without_a_mean() -> None:
    """Under a true ratio of zero it is uniform: as often below 5 % as 5 % says, whatever the distribution."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(2000):
        estimate = estimate_sharpe(rng.exponential(1.0, 250) - 1.0)
        assert estimate is not None
        found.append(probabilistic_sharpe(estimate) or 0.0)
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.015)
    assert np.mean(np.array(found) > 0.95) == pytest.approx(0.05, abs=0.015)


def test_moments_are_those_of_the_sample() -> None:
    estimate = estimate_sharpe(np.array([0.01, -0.01, 0.03, 0.01]))
    assert estimate is not None
    assert estimate.ratio == pytest.approx(0.01 / math.sqrt(8e-4 / 3))
    assert (estimate.skewness, estimate.kurtosis, estimate.n) == (pytest.approx(0.0), pytest.approx(2.0), 4)
    assert estimate.annualised == pytest.approx(estimate.ratio * math.sqrt(252))


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, 0.1, 0.1], [0.0, 0.0]])
def test_returns_that_do_not_vary_have_no_ratio(returns: list[float]) -> None:
    assert estimate_sharpe(np.array(returns)) is None


@pytest.mark.parametrize(("trials", "variance"), [(0, 1.0), (5, -1.0)])
def test_no_trial_and_a_negative_variance_are_refused(trials: int, variance: float) -> None:
    with pytest.raises(ValueError, match="at least one trial"):
        expected_best(trials, variance)
