"""How far a Sharpe ratio can be trusted: pure functions of returns.

Sharpe ratios here are per session unless a name says ``annualised``; the riskless return is taken to be zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats

SESSIONS_PER_YEAR = 252

_NORMAL = NormalDist()
_EULER_MASCHERONI = 0.5772156649015329
# A standard deviation below this share of the returns' size is the rounding of equal returns.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class SharpeEstimate:
    """A Sharpe ratio per session, and what its sampling error depends on."""

    n: int
    """Returns it was estimated from."""
    ratio: float
    skewness: float
    kurtosis: float
    """Not in excess: 3 of a normal distribution."""

    @property
    def annualised(self) -> float:
        return self.ratio * math.sqrt(SESSIONS_PER_YEAR)

    @property
    def variance(self) -> float:
        """Sampling variance of the ratio for returns that need not be normal (Mertens 2002)."""
        return (1 - self.skewness * self.ratio + (self.kurtosis - 1) / 4 * self.ratio**2) / (self.n - 1)


def estimate_sharpe(returns: Floats) -> SharpeEstimate | None:
    """From returns per session (n,); None when they do not vary, or when there are fewer than two."""
    if len(returns) < 2:
        return None
    centred = returns - returns.mean()
    deviation = float(np.std(returns, ddof=1))
    if deviation <= _ROUNDING * float(np.max(np.abs(returns))):
        return None
    scaled = centred / float(np.std(returns))
    return SharpeEstimate(
        n=len(returns),
        ratio=float(returns.mean()) / deviation,
        skewness=float(np.mean(scaled**3)),
        kurtosis=float(np.mean(scaled**4)),
    )


def probabilistic_sharpe(estimate: SharpeEstimate, benchmark: float = 0.0) -> float | None:
    """Probability that the true ratio is above ``benchmark`` (per session).

    Bailey and López de Prado (2012), "The Sharpe ratio efficient frontier". None where the moments of a tiny sample
    leave no positive variance.
    """
    variance = estimate.variance
    return _NORMAL.cdf((estimate.ratio - benchmark) / math.sqrt(variance)) if variance > 0 else None


def expected_best(trials: int, variance: float) -> float:
    """The ratio (per session) that the best of ``trials`` independent strategies without any skill is expected to show.

    Args:
        variance: of the ratios across the trials.

    Raises:
        ValueError: ``trials`` is below 1 or ``variance`` below 0.
    """
    if trials < 1 or variance < 0:
        raise ValueError(f"expected at least one trial and a variance of 0 or more, got {trials} and {variance}")
    if trials == 1:
        return 0.0
    weight = _EULER_MASCHERONI
    quantiles = (1 - weight) * _NORMAL.inv_cdf(1 - 1 / trials) + weight * _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * quantiles


def deflated_sharpe(estimate: SharpeEstimate, trials: int, variance: float | None = None) -> float | None:
    """Probability that the true ratio is above zero, given that the strategy is the best of ``trials`` tried.

    Bailey and López de Prado (2014), "The deflated Sharpe ratio".

    Args:
        variance: of the trials' ratios (per session); None when the other trials' were not kept. Then the estimate's
            own sampling variance stands in, which is what trials without skill would differ by.
    """
    if estimate.variance <= 0:
        return None
    spread = estimate.variance if variance is None else variance
    return probabilistic_sharpe(estimate, expected_best(trials, spread))
