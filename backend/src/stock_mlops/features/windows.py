"""Statistics of the last rows, as NumPy kernels over several tickers at once.

A window's statistic is joined from those of two shorter windows that make it up, and these from shorter ones: 60 rows
take seven joins, each a pass or two over the array, and the windows 5, 10, 20, 30 and 60 share them. Moments join as in
Chan, Golub and LeVeque (1983) and Pébay (2008). A value so depends on the rows of its window alone, to the last bit:
there is no running sum that would carry rounding errors, a NaN or another ticker's prices along.

Arrays are float64, tickers one after another, NaN where a value is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

import numpy as np
import polars as pl

from stock_mlops.features.buffers import Array

QUANTILES = (0.2, 0.8)
# Rows whose windows are sorted together: windows of 60 rows take 2 MB then, which stays in the cache.
_SORTED_AT_ONCE = 4096

Kernel = Callable[..., object]
"""Takes the operands' arrays and writes its result into ``out``."""


class Steps(Protocol):
    """The list of calculations that a window's are added to. Steps are known by their numbers."""

    def column(self, name: str) -> int:
        """The step that gives a column."""

    def statistic(self, name: str, *arguments: str | float) -> int:
        """The step that gives a statistic: one of ``STATISTICS`` and its arguments."""

    def constant(self, value: float) -> int: ...

    def add(
        self, kernel: Kernel, *operands: int, reach: int = 0, returns: bool = False, by_ticker: bool = False
    ) -> int:
        """A new step.

        Args:
            reach: how many of each ticker's first rows it has no value for.
            returns: the kernel takes no ``out`` and returns its result.
            by_ticker: the kernel is called with each ticker's rows by themselves.
        """

    def shorter(self, name: str, source: str, window: int) -> int | None:
        """The longest window below ``window`` that the statistic has a step for."""


@cache
def parts(window: int) -> tuple[int, int]:
    """Lengths of the newer and the older part of a window of two rows or more. The older divides the newer."""
    if window == 30:  # from 20 and 10, which are wanted anyway, rather than from 15, 14, 7, 6 and 3
        return 20, 10
    return (window // 2, window // 2) if window % 2 == 0 else (window - 1, 1)


@dataclass(frozen=True)
class _Joined:
    """Joins the newer part's values with the older part's of ``rows`` rows before."""

    rows: int
    join: Kernel

    def __call__(self, newer: Array, older: Array, *others: Array, out: Array) -> None:
        """Write the join into ``out``; ``others`` are added."""
        self.join(newer[self.rows :], older[: max(len(older) - self.rows, 0)], out=out[self.rows :])
        for other in others:
            out += other


def _joined(steps: Steps, name: str, window: int, join: Kernel, *sources: str, plus: tuple[int, ...] = ()) -> int:
    newer, older = parts(window)
    operands = (steps.statistic(name, *sources, newer), steps.statistic(name, *sources, older), *plus)
    return steps.add(_Joined(newer, join), *operands, reach=window - 1)


def lag(steps: Steps, x: str, rows: int) -> int:
    """The value ``rows`` before."""
    column = steps.column(x)
    return steps.add(_Joined(rows, lambda _new, old, out: np.copyto(out, old)), column, column, reach=rows)


def total(steps: Steps, x: str, window: int) -> int:
    return steps.column(x) if window == 1 else _joined(steps, "sum", window, np.add, x)


def maximum(steps: Steps, x: str, window: int) -> int:
    return steps.column(x) if window == 1 else _joined(steps, "max", window, np.maximum, x)


def minimum(steps: Steps, x: str, window: int) -> int:
    return steps.column(x) if window == 1 else _joined(steps, "min", window, np.minimum, x)


def zeros(steps: Steps) -> int:
    """What every deviation from the mean of one value is."""
    return steps.add(lambda out: out.fill(0.0))


def step(steps: Steps, x: str, window: int) -> int:
    """Newer part's mean less the older's, times the newer length; exactly 0 where the values are equal."""
    newer, older = parts(window)
    return _joined(steps, "sum", window, _weighted(np.subtract, 1, newer // older), x)


def comoment(steps: Steps, x: str, y: str, window: int) -> int:
    """Sum of the products of two columns' deviations from their means in the window."""
    if window == 1:
        return steps.statistic("zeros")
    newer, older = parts(window)
    between = steps.add(np.multiply, steps.statistic("step", x, window), steps.statistic("step", y, window))
    scaled = steps.add(np.multiply, between, steps.constant(older / (newer * window)))
    return _joined(steps, "comoment", window, np.add, x, y, plus=(scaled,))


def m2(steps: Steps, x: str, window: int) -> int:
    """Sum of squared deviations from the window's mean."""
    return steps.statistic("comoment", x, x, window)


def trend(steps: Steps, x: str, window: int) -> int:
    """Sum of the products of the deviations of the values and of time (in rows)."""
    if window == 1:
        return steps.statistic("zeros")
    half = steps.constant(parts(window)[1] / 2)
    moved = steps.add(np.multiply, steps.statistic("step", x, window), half)
    return _joined(steps, "trend", window, np.add, x, plus=(moved,))


def m3(steps: Steps, x: str, window: int) -> int:
    """Sum of cubed deviations from the window's mean."""
    if window == 1:
        return steps.statistic("zeros")
    newer, older = parts(window)

    def between(gap: Array, squares: Array, out: Array) -> None:
        np.multiply(gap, squares, out=out)
        out *= 3 / window
        if newer != older:
            out += gap * gap * gap * (newer * older * (older - newer) / window**2)

    squares = _joined(steps, "m2", window, _weighted(np.subtract, older, newer), x)
    added = steps.add(between, _gap(steps, x, window), squares)
    return _joined(steps, "m3", window, np.add, x, plus=(added,))


def m4(steps: Steps, x: str, window: int) -> int:
    """Sum of the fourth powers of the deviations from the window's mean."""
    if window == 1:
        return steps.statistic("zeros")
    newer, older = parts(window)

    def between(gap: Array, squares: Array, cubes: Array, out: Array) -> None:
        np.multiply(gap, gap, out=out)
        out *= newer * older * (newer**2 - newer * older + older**2) / window**3
        out += squares * (6 / window**2)
        out *= gap
        out += cubes * (4 / window)
        out *= gap

    squares = _joined(steps, "m2", window, _weighted(np.add, older**2, newer**2), x)
    cubes = _joined(steps, "m3", window, _weighted(np.subtract, older, newer), x)
    added = steps.add(between, _gap(steps, x, window), squares, cubes)
    return _joined(steps, "m4", window, np.add, x, plus=(added,))


def _gap(steps: Steps, x: str, window: int) -> int:
    """Newer part's mean less the older's."""
    return steps.add(np.divide, steps.statistic("step", x, window), steps.constant(float(parts(window)[0])))


def age_of_max(steps: Steps, x: str, window: int) -> int:
    """Rows since the window's maximum, the latest of equal ones."""
    return _age(steps, "age_of_max", "max", np.greater_equal, x, window)


def age_of_min(steps: Steps, x: str, window: int) -> int:
    """Rows since the window's minimum, the latest of equal ones."""
    return _age(steps, "age_of_min", "min", np.less_equal, x, window)


def _age(steps: Steps, age: str, extreme: str, beats: np.ufunc, x: str, window: int) -> int:
    if window == 1:
        return steps.statistic("zeros")
    newer, older = parts(window)

    def join(latest: Array, before: Array, age_latest: Array, age_before: Array, whole: Array, out: Array) -> None:
        rows = max(len(out) - newer, 0)
        np.add(age_before[:rows], newer, out=out[newer:])
        np.copyto(out[newer:], age_latest[newer:], where=beats(latest[newer:], before[:rows]))
        _unknown_as(whole, out)

    of = [steps.statistic(name, x, part) for name in (extreme, age) for part in (newer, older)]
    return steps.add(join, *of, steps.statistic(extreme, x, window), reach=window - 1)


def fall(steps: Steps, x: str, window: int) -> int:
    """The largest fall from a value to a later one of the window."""
    if window == 1:
        return steps.statistic("zeros")
    newer, older = parts(window)
    within = _joined(steps, "fall", window, np.maximum, x)
    across = steps.add(
        _Joined(newer, lambda low, high, out: np.subtract(high, low, out=out)),
        steps.statistic("min", x, newer),
        steps.statistic("max", x, older),
        reach=window - 1,
    )
    return steps.add(np.maximum, within, across)


def absolute_deviation(steps: Steps, x: str, window: int) -> int:
    """Sum of absolute deviations from the window's mean."""

    def kernel(values: Array, total: Array, out: Array) -> None:
        mean = total / window
        np.abs(values - mean, out=out)
        for rows in range(1, min(window, len(values))):
            out[rows:] += np.abs(values[:-rows] - mean[rows:])

    return steps.add(kernel, steps.column(x), steps.statistic("sum", x, window), reach=window - 1)


def rank(steps: Steps, x: str, window: int) -> int:
    """Rank of the newest value in the window, ties averaged, as a share of the window."""

    def kernel(score: Array, total: Array, out: Array) -> None:
        np.add(score, 1, out=out)
        out /= 2 * window
        _unknown_as(total, out)

    return steps.add(kernel, steps.statistic("score", x, window), steps.statistic("sum", x, window), reach=window - 1)


def score(steps: Steps, x: str, window: int) -> int:
    """How many values of the window are below the newest one, plus how many are not above it, itself included."""
    counted = steps.shorter("score", x, window) or 1

    def kernel(values: Array, *shorter: Array, out: Array) -> None:
        count = np.ones(len(values), dtype=np.int16) if not shorter else np.zeros(len(values), dtype=np.int16)
        for rows in range(counted, min(window, len(values))):
            before, newest = values[:-rows], values[rows:]
            count[rows:] += before < newest
            count[rows:] += before <= newest
        np.add(count, shorter[0] if shorter else 0, out=out)

    shorter = () if counted == 1 else (steps.statistic("score", x, counted),)
    return steps.add(kernel, steps.column(x), *shorter)


def quantile(steps: Steps, x: str, share: float, window: int) -> int:
    """The value below which ``share`` (one of ``QUANTILES``) of the window lies, interpolated linearly."""
    row = QUANTILES.index(share)
    every = steps.statistic("quantiles", x, window)
    return steps.add(lambda values, out: np.copyto(out, values[row]), every, reach=window - 1)


def quantiles(steps: Steps, x: str, window: int) -> int:
    """All of ``QUANTILES``, shape (quantiles, rows)."""

    def kernel(values: Array, total: Array) -> Array:
        out = np.full((len(QUANTILES), len(values)), np.nan)
        if len(values) < window:
            return out
        views = np.lib.stride_tricks.sliding_window_view(values, window)
        for first in range(0, len(views), _SORTED_AT_ONCE):
            ordered = np.sort(views[first : first + _SORTED_AT_ONCE], axis=1)
            rows = slice(first + window - 1, first + window - 1 + len(ordered))
            for position, share in enumerate(QUANTILES):
                lower, fraction = divmod((window - 1) * share, 1)
                below, above = ordered[:, int(lower)], ordered[:, int(lower) + 1]
                out[position, rows] = below + fraction * (above - below)
        out[:, np.isnan(total)] = np.nan  # which sorting puts last
        return out

    return steps.add(kernel, steps.column(x), steps.statistic("sum", x, window), returns=True)


def ewm(steps: Steps, x: str, alpha: float, first: int) -> int:
    """Exponential average that starts at the first value; shown from the ``first``-th value on."""
    return steps.add(partial(_exponential_average, alpha, first), steps.column(x), by_ticker=True)


def _exponential_average(alpha: float, first: int, values: Array, out: Array) -> None:
    from scipy.signal import lfilter  # takes half a second to import, which only computing has to wait for

    known = np.flatnonzero(~np.isnan(values))
    out[:] = np.nan
    if len(known) < first:
        return
    begin, end = known[0], known[-1] + 1
    if end - begin == len(known):
        out[begin:end] = lfilter([alpha], [1, alpha - 1], values[begin:end], zi=[(1 - alpha) * values[begin]])[0]
    else:  # over a gap, what was before it weighs less for each row
        series = pl.Series(values, nan_to_null=True)
        out[:] = series.ewm_mean(alpha=alpha, adjust=False, ignore_nulls=False).to_numpy()
    out[: known[first - 1]] = np.nan


STATISTICS: dict[str, Callable[..., int]] = {
    "lag": lag,
    "ewm": ewm,
    "sum": total,
    "max": maximum,
    "min": minimum,
    "zeros": zeros,
    "step": step,
    "comoment": comoment,
    "m2": m2,
    "trend": trend,
    "m3": m3,
    "m4": m4,
    "age_of_max": age_of_max,
    "age_of_min": age_of_min,
    "fall": fall,
    "absolute_deviation": absolute_deviation,
    "rank": rank,
    "score": score,
    "quantile": quantile,
    "quantiles": quantiles,
}


def _weighted(operation: np.ufunc, of_newer: int, of_older: int) -> Kernel:
    """Joins as ``of_newer * newer (operation) of_older * older``."""

    def join(newer: Array, older: Array, out: Array) -> None:
        weighted = older if of_older == 1 else np.multiply(older, of_older, out=out)
        operation(newer if of_newer == 1 else newer * of_newer, weighted, out=out)

    return join


def _unknown_as(known: Array, values: Array) -> None:
    """Make ``values`` NaN where ``known`` is: a comparison with NaN would not say so."""
    values[np.isnan(known)] = np.nan
