"""How unusual a value is among others, whatever a few of these may be."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

# Scales the median absolute deviation to the standard deviation of a normal distribution.
_MAD_TO_SIGMA = 1.4826


def robust_score(others: Sequence[float], value: float, smallest_sigma: float) -> float:
    """Robust z-score: distance from the median in median absolute deviations (Iglewicz and Hoaglin 1993).

    Args:
        smallest_sigma: a spread below it counts as this much, in the values' unit.
    """
    middle = median(others)
    sigma = _MAD_TO_SIGMA * median([abs(other - middle) for other in others])
    return (value - middle) / max(sigma, smallest_sigma)
