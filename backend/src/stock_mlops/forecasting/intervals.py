"""Prediction intervals and the probability of a rise, from errors on data that the model had not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats

LEVELS = (0.8, 0.9, 0.95)
LEVEL = 0.9
"""The level of the interval that is shown where one is."""
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


def quantiles(values: Floats, probabilities: Floats) -> Floats:
    """Along the first axis of ``values`` (n, ...), linearly interpolated: (probabilities, ...). NumPy's own partitions
    anew for each probability; with hundreds of them sorting once is several times faster."""
    ordered = np.sort(values, axis=0)
    place = probabilities * (len(ordered) - 1)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = (place - below).reshape(-1, *[1] * (values.ndim - 1))
    interpolated: Floats = ordered[below] * (1.0 - share) + ordered[above] * share
    return interpolated


def share_above(errors: Floats, bounds: Floats) -> Floats:
    """Of each bound (n,): the share of ``errors`` above it, never 0 or 1: with m errors seen, nothing rarer than 1 in
    m + 1 can be told."""
    m = len(errors)
    above = 1.0 - np.searchsorted(np.sort(errors), bounds, side="right") / m
    return np.clip(above, 1.0 / (m + 1), m / (m + 1))


class Intervals:
    """Intervals and error distributions of horizons 1..H at the levels :data:`LEVELS`."""

    def __init__(self, half_widths: Floats, quantiles: Floats, counts: Floats, scales: Floats | None = None) -> None:
        """
        Args:
            half_widths: (H, levels), of log returns, as validation found them.
            quantiles: (H, grid) of ``y - y_hat``, ascending.
            counts: (H,), errors that were seen.
            scales: (H, levels), by which the widths have been adapted since; None: not at all.
        """
        self.base = half_widths
        self._quantiles = quantiles
        self._counts = counts
        self._probabilities = (np.arange(quantiles.shape[1]) + 0.5) / quantiles.shape[1]
        self.scales = np.ones_like(half_widths) if scales is None else scales
        # A longer horizon is never given a narrower interval, nor a higher level: less can be known about it, and where
        # the sample says otherwise it is the sample that is thin.
        nested = np.maximum.accumulate(np.maximum.accumulate(half_widths * self.scales, axis=0), axis=1)
        self._widths: list[list[float]] = nested.tolist()

    @classmethod
    def of(cls, errors: Sequence[Floats]) -> Intervals:
        """From the out-of-sample errors ``y - y_hat`` of each horizon."""
        grid = (np.arange(_GRID) + 0.5) / _GRID
        return cls(
            np.array([[conformal_half_width(error, level) for level in LEVELS] for error in errors]),
            np.array([quantiles(error, grid) for error in errors]),
            np.array([len(error) for error in errors], dtype=np.float64),
        )

    def scaled(self, scales: Floats) -> Intervals:
        """The same errors, with the widths as validation found them times ``scales`` (H, levels)."""
        return Intervals(self.base, self._quantiles, self._counts, scales)

    def half_widths(self, horizon: int) -> list[float]:
        """At each of :data:`LEVELS`, ascending."""
        return self._widths[horizon - 1]

    def half_width(self, horizon: int, level: float = LEVEL) -> float:
        return self._widths[horizon - 1][LEVELS.index(level)]

    def probability_up(self, horizon: int, predicted: float) -> float:
        """P(return > 0): the share of past errors that would leave ``predicted + error`` above zero.

        Errors are taken to have grown or shrunk as their interval has. Never 0 or 1: with n errors seen, nothing rarer
        than 1 in n + 1 can be told.
        """
        index = horizon - 1
        bound = -predicted / float(self.scales[index, LEVELS.index(LEVEL)])
        below = float(np.interp(bound, self._quantiles[index], self._probabilities, left=0.0, right=1.0))
        rarest = 1.0 / (float(self._counts[index]) + 1.0)
        return min(max(1.0 - below, rarest), 1.0 - rarest)

    def probabilities_up(self, horizon: int, predicted: Floats) -> Floats:
        """:meth:`probability_up` of many forecasts (n,)."""
        index = horizon - 1
        bounds = -predicted / self.scales[index, LEVELS.index(LEVEL)]
        below = np.interp(bounds, self._quantiles[index], self._probabilities, left=0.0, right=1.0)
        rarest = 1.0 / (float(self._counts[index]) + 1.0)
        probabilities: Floats = np.clip(1.0 - below, rarest, 1.0 - rarest)
        return probabilities

    def save(self, file: Path) -> None:
        """Write what validation found; scales are not the model's own."""
        np.savez(file, levels=np.array(LEVELS), half_widths=self.base, quantiles=self._quantiles, counts=self._counts)

    @classmethod
    def load(cls, file: Path) -> Intervals:
        """Raises ``ValueError`` when the file holds other levels than :data:`LEVELS`."""
        with np.load(file, allow_pickle=False) as arrays:
            if tuple(arrays["levels"].tolist()) != LEVELS:
                raise ValueError(f"{file}: expected intervals at {LEVELS}, got {arrays['levels']}; train again")
            return cls(arrays["half_widths"], arrays["quantiles"], arrays["counts"])
