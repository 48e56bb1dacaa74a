"""Prediction intervals and the probability of a rise, from errors on data that the model had not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats

LEVEL = 0.9
# Points of the stored error distribution: fine enough for a probability in steps of a quarter per cent, small enough
# (3 kB per horizon) to keep hundreds of models in memory.
_GRID = 401


def conformal_half_width(errors: Floats, level: float = LEVEL) -> float:
    """Half the width of the split-conformal interval: the ceil((n+1) level)-th smallest absolute error.

    A new error of the same distribution lies within it with a probability of at least ``level`` (Vovk et al. 2005;
    Lei et al. 2018). With too few errors for that promise the largest one is all that is known.
    """
    n = len(errors)
    if n == 0:
        raise ValueError("an interval needs at least one out-of-sample error, got none")
    rank = min(math.ceil((n + 1) * level), n)
    return float(np.partition(np.abs(errors), rank - 1)[rank - 1])


def share_above(errors: Floats, bounds: Floats) -> Floats:
    """Of each bound (n,): the share of ``errors`` above it, never 0 or 1: with m errors seen, nothing rarer than 1 in
    m + 1 can be told."""
    m = len(errors)
    above = 1.0 - np.searchsorted(np.sort(errors), bounds, side="right") / m
    return np.clip(above, 1.0 / (m + 1), m / (m + 1))


class Intervals:
    """Intervals and error distributions of horizons 1..H."""

    def __init__(self, level: float, half_widths: Floats, quantiles: Floats, counts: Floats) -> None:
        self.level = level
        self._half_widths = half_widths  # (H,)
        self._quantiles = quantiles  # (H, _GRID): of y - y_hat, ascending
        self._counts = counts  # (H,)
        self._probabilities = (np.arange(quantiles.shape[1]) + 0.5) / quantiles.shape[1]

    @classmethod
    def of(cls, errors: Sequence[Floats], level: float = LEVEL) -> Intervals:
        """From the out-of-sample errors ``y - y_hat`` of each horizon.

        A longer horizon is never given a narrower interval: less can be known about it, and where the sample says
        otherwise it is the sample that is thin.
        """
        widths = np.array([conformal_half_width(error, level) for error in errors])
        grid = (np.arange(_GRID) + 0.5) / _GRID
        return cls(
            level,
            np.maximum.accumulate(widths),
            np.array([np.quantile(error, grid) for error in errors]),
            np.array([len(error) for error in errors], dtype=np.float64),
        )

    def half_width(self, horizon: int) -> float:
        return float(self._half_widths[horizon - 1])

    def probability_up(self, horizon: int, predicted: float) -> float:
        """P(return > 0): the share of past errors that would leave ``predicted + error`` above zero.

        Never 0 or 1: with n errors seen, nothing rarer than 1 in n + 1 can be told.
        """
        index = horizon - 1
        below = float(np.interp(-predicted, self._quantiles[index], self._probabilities, left=0.0, right=1.0))
        rarest = 1.0 / (float(self._counts[index]) + 1.0)
        return min(max(1.0 - below, rarest), 1.0 - rarest)

    def save(self, file: Path) -> None:
        np.savez(
            file,
            level=np.float64(self.level),
            half_widths=self._half_widths,
            quantiles=self._quantiles,
            counts=self._counts,
        )

    @classmethod
    def load(cls, file: Path) -> Intervals:
        with np.load(file, allow_pickle=False) as arrays:
            return cls(float(arrays["level"]), arrays["half_widths"], arrays["quantiles"], arrays["counts"])
