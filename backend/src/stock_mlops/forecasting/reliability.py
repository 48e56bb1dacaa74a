"""Whether what was stated came true: chances of a rise, and intervals, of forecasts that training had not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.intervals import LEVEL, conformal_half_width

_BINS = 10
# Fewer forecasts in a bin, and its observed share is mostly chance: its standard error is at least 0.09.
_FEWEST = 30


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Forecasts with about the same stated chance of a rise."""

    stated: float
    """Mean of the stated chances."""
    observed: float
    """Share that rose."""
    n: int


def reliability(y: Floats, probability: Floats) -> list[ReliabilityBin]:
    """The reliability diagram (Murphy and Winkler 1977) over bins of equal counts, the lowest chance first: chances of
    daily returns lie so close together that bins of equal width would hold nearly all of them in one.

    Args:
        y: realised returns (n,).
        probability: stated chances of a rise (n,); NaN where none was stated.
    """
    known = np.isfinite(probability)
    order = np.argsort(probability[known], kind="stable")
    stated, rose = probability[known][order], (y[known] > 0)[order]
    bins = min(_BINS, len(stated) // _FEWEST)
    return [
        ReliabilityBin(float(stated[rows].mean()), float(rose[rows].mean()), len(rows))
        for rows in (np.array_split(np.arange(len(stated)), bins) if bins else ())
    ]


def interval_hits(y: Floats, y_hat: Floats, fold: NDArray[np.int64], *, forward: bool, level: float = LEVEL) -> Floats:
    """(n,): 1 where the return lay inside its interval, 0 where not; NaN in windows for which no error was known.

    Each window is judged by split-conformal intervals from other windows; from earlier ones only when the windows go
    ``forward`` in time.
    """
    hits = np.full(len(y), np.nan)
    errors = np.abs(y - y_hat)
    for window in range(int(fold.max(initial=-1)) + 1):
        known, here = fold < window if forward else fold != window, fold == window
        if known.any() and here.any():
            hits[here] = errors[here] <= conformal_half_width(errors[known], level)
    return hits


def rolling_mean(values: Floats, window: int) -> Floats:
    """(n - window + 1,): means of the newest ``window`` values up to each; empty when there are fewer."""
    if len(values) < window:
        return np.empty(0)
    sums = np.concatenate(([0.0], np.cumsum(values)))
    means: Floats = (sums[window:] - sums[:-window]) / window
    return means
