"""Resampling of series whose neighbours depend on one another: in blocks, so that the dependence stays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.estimators.base import Floats

# Of Politis and White (2004): so many insignificant autocorrelations in a row end the memory of a series.
_QUIET_LAGS = 5
_SIGNIFICANCE = 2.0


def block_length(values: Floats) -> float:
    """The mean block length that the stationary bootstrap of ``values`` (n,) needs, 1 where they are independent.

    Automatic choice by the flat-top lag window of Politis and White (2004), as corrected by Patton, Politis and White
    (2009). Bounded by min(3 sqrt(n), n / 3): of longer memories a sample says too little.
    """
    n = len(values)
    bound = max(1.0, min(3 * math.sqrt(n), n / 3))
    lags = min(n - 1, math.ceil(math.sqrt(n)) + max(_QUIET_LAGS, math.ceil(math.log10(max(n, 2)))))
    covariance = _autocovariance(values, lags)
    if covariance[0] <= 0.0:
        return 1.0
    memory = _memory(covariance / covariance[0], n)
    k = np.arange(1, min(2 * memory, lags) + 1)
    window = np.clip(2 * (1 - k / (2 * memory)), 0.0, 1.0)
    weighted = window * covariance[k]
    spectrum = covariance[0] + 2 * weighted.sum()
    slope = 2 * (k * weighted).sum()
    if spectrum <= 0.0:
        return bound
    return float(np.clip((slope**2 / spectrum**2) ** (1 / 3) * n ** (1 / 3), 1.0, bound))


def stationary_positions(
    n: int, length: int, block: float, resamples: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Positions (resamples, length) among ``n`` rows: blocks of geometrically distributed length with the mean
    ``block``, wrapped around the end (the stationary bootstrap of Politis and Romano 1994)."""
    starts = rng.integers(0, n, size=(resamples, length))
    fresh = rng.random((resamples, length)) < 1.0 / max(block, 1.0)
    fresh[:, 0] = True
    column = np.arange(length)
    begun = np.maximum.accumulate(np.where(fresh, column, 0), axis=1)
    first = np.take_along_axis(starts, begun, axis=1)
    positions: NDArray[np.intp] = (first + column - begun) % n
    return positions


def _autocovariance(values: Floats, lags: int) -> Floats:
    centred = values - values.mean()
    n = len(values)
    return np.array([centred[: n - lag] @ centred[lag:] / n for lag in range(lags + 1)])


def _memory(correlation: Floats, n: int) -> int:
    """The smallest lag after which autocorrelations are noise, 1 at least."""
    noise = _SIGNIFICANCE * math.sqrt(math.log10(max(n, 2)) / n)
    quiet = np.abs(correlation[1:]) < noise
    for lag in range(len(quiet) - _QUIET_LAGS + 1):
        if quiet[lag : lag + _QUIET_LAGS].all():
            return max(1, lag)
    loud = np.flatnonzero(~quiet)
    return int(loud[-1]) + 1 if len(loud) else 1
