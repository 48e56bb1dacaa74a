"""Statistics of the last rows, as NumPy kernels over several tickers at once.

A window's statistic is joined from those of two shorter windows that make it up, and these from shorter ones: 60 rows
take seven joins, each a few passes over the array, and the windows 5, 10, 20, 30 and 60 share them. Moments join as in
Chan, Golub and LeVeque (1983) and Pébay (2008). A value so depends on the rows of its window alone, to the last bit:
there is no running sum that would carry rounding errors, a NaN or another ticker's prices along.

Arrays are float64, tickers one after another. In the first rows of a ticker a window reaches into the ticker before;
``hide_heads`` makes these values NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial, wraps
from typing import Concatenate, ParamSpec

import numpy as np
from numpy.typing import NDArray

from stock_mlops.features.buffers import Array, Buffers

P = ParamSpec("P")
Join = Callable[..., object]
"""Takes the values of the newer and of the older part and writes those of the whole into its argument ``out``."""

QUANTILES = (0.2, 0.8)
# Rows whose windows are sorted together: windows of 60 rows take 2 MB then, which stays in the cache.
_SORTED_AT_ONCE = 4096


@cache
def parts(window: int) -> tuple[int, int]:
    """Lengths of the newer and the older part of a window of two rows or more. The older divides the newer."""
    if window == 30:  # from 20 and 10, which are wanted anyway, rather than from 15, 14, 7, 6 and 3
        return 20, 10
    return (window // 2, window // 2) if window % 2 == 0 else (window - 1, 1)


def _once(method: Callable[Concatenate[Windows, P], Array]) -> Callable[Concatenate[Windows, P], Array]:
    """Compute ``method`` once per object and arguments."""

    @wraps(method)
    def remembered(self: Windows, /, *args: P.args, **kwargs: P.kwargs) -> Array:
        key = (method.__name__, *args)
        if key not in self.known:
            self.known[key] = method(self, *args, **kwargs)
        return self.known[key]

    return remembered


class Windows:
    """Window statistics of ``columns``.

    Args:
        columns: values by name; more may be added while this object lives.
        row: position of each row in its ticker, from 0.
        buffers: for the results, which they hold until they begin anew.
    """

    def __init__(self, columns: Mapping[str, Array], row: NDArray[np.int64], buffers: Buffers) -> None:
        self._columns = columns
        self._buffers = buffers
        self._row = row
        self.known: dict[tuple[object, ...], Array] = {}
        self._heads: dict[int, NDArray[np.intp]] = {}
        self._scores: dict[str, dict[int, NDArray[np.int16]]] = {}

    def hide_heads(self, values: Array, rows: int) -> None:
        """Make the first ``rows`` of every ticker NaN."""
        if rows not in self._heads:
            self._heads[rows] = np.flatnonzero(self._row < rows)
        values[self._heads[rows]] = np.nan

    def _zeros(self) -> Array:
        out = self._buffers.take()
        out[:] = 0.0
        return out

    def _join(self, of: Callable[[int], Array], window: int, join: Join) -> Array:
        """``join`` of what ``of`` gives for the window's newer part and, that many rows before, for its older part."""
        newer, older = parts(window)
        latest, earlier = of(newer), of(older)
        out = self._buffers.take()
        out[:newer] = np.nan
        join(latest[newer:], earlier[: max(len(earlier) - newer, 0)], out=out[newer:])
        return out

    def lag(self, x: str, rows: int) -> Array:
        """The value ``rows`` before."""
        values = self._columns[x]
        out = self._buffers.take()
        out[:rows] = np.nan
        out[rows:] = values[: max(len(values) - rows, 0)]
        return out

    @_once
    def sum(self, x: str, window: int) -> Array:
        if window == 1:
            return self._columns[x]
        return self._join(partial(self.sum, x), window, np.add)

    @_once
    def max(self, x: str, window: int) -> Array:
        if window == 1:
            return self._columns[x]
        return self._join(partial(self.max, x), window, np.maximum)

    @_once
    def min(self, x: str, window: int) -> Array:
        if window == 1:
            return self._columns[x]
        return self._join(partial(self.min, x), window, np.minimum)

    @_once
    def step(self, x: str, window: int) -> Array:
        """Newer part's mean less the older's, times the newer length; exactly 0 where the values are equal."""
        newer, older = parts(window)
        return self._join(partial(self.sum, x), window, _weighted(np.subtract, 1, newer // older))

    @_once
    def comoment(self, x: str, y: str, window: int) -> Array:
        """Sum of the products of two columns' deviations from their means in the window."""
        if window == 1:
            return self._zeros()
        newer, older = parts(window)
        out = self._join(partial(self.comoment, x, y), window, np.add)
        between = np.multiply(self.step(x, window), self.step(y, window), out=self._buffers.take())
        between *= older / (newer * window)
        out += between
        self._buffers.give_back(between)
        return out

    def m2(self, x: str, window: int) -> Array:
        """Sum of squared deviations from the window's mean."""
        return self.comoment(x, x, window)

    @_once
    def absolute_deviation(self, x: str, window: int) -> Array:
        """Sum of absolute deviations from the window's mean."""
        values, mean = self._columns[x], self.sum(x, window) / window
        out = np.abs(values - mean)
        for rows in range(1, min(window, len(values))):
            out[rows:] += np.abs(values[:-rows] - mean[rows:])
        return out

    @_once
    def trend(self, x: str, window: int) -> Array:
        """Sum of the products of the deviations of the values and of time (in rows)."""
        if window == 1:
            return self._zeros()
        out = self._join(partial(self.trend, x), window, np.add)
        change = np.multiply(self.step(x, window), 0.5 * parts(window)[1], out=self._buffers.take())
        out += change
        self._buffers.give_back(change)
        return out

    @_once
    def m3(self, x: str, window: int) -> Array:
        """Sum of cubed deviations from the window's mean."""
        if window == 1:
            return self._zeros()
        newer, older = parts(window)
        out = self._join(partial(self.m3, x), window, np.add)
        gap = self.step(x, window) / newer
        squares = self._join(partial(self.m2, x), window, _weighted(np.subtract, older, newer))
        squares *= gap
        squares *= 3 / window
        out += squares
        if newer != older:
            out += gap * gap * gap * (newer * older * (older - newer) / window**2)
        return out

    @_once
    def m4(self, x: str, window: int) -> Array:
        """Sum of the fourth powers of the deviations from the window's mean."""
        if window == 1:
            return self._zeros()
        newer, older = parts(window)
        out = self._join(partial(self.m4, x), window, np.add)
        gap = self.step(x, window) / newer
        squares = self._join(partial(self.m2, x), window, _weighted(np.add, older**2, newer**2))
        cubes = self._join(partial(self.m3, x), window, _weighted(np.subtract, older, newer))
        cubes *= gap
        cubes *= 4 / window
        out += cubes
        gap *= gap
        squares *= gap
        squares *= 6 / window**2
        out += squares
        gap *= gap
        gap *= newer * older * (newer**2 - newer * older + older**2) / window**3
        out += gap
        return out

    @_once
    def age_of_max(self, x: str, window: int) -> Array:
        """Rows since the window's maximum, the latest of equal ones."""
        return self._age(self.age_of_max, self.max, np.greater_equal, x, window)

    @_once
    def age_of_min(self, x: str, window: int) -> Array:
        """Rows since the window's minimum, the latest of equal ones."""
        return self._age(self.age_of_min, self.min, np.less_equal, x, window)

    def _age(
        self,
        age: Callable[[str, int], Array],
        extreme: Callable[[str, int], Array],
        beats: Callable[[Array, Array], NDArray[np.bool_]],
        x: str,
        window: int,
    ) -> Array:
        if window == 1:
            return self._zeros()
        newer, older = parts(window)
        latest, before = extreme(x, newer)[newer:], extreme(x, older)
        is_newer = beats(latest, before[: len(latest)])
        out = self._join(partial(age, x), window, lambda _newer, earlier, out: np.add(earlier, newer, out=out))
        np.copyto(out[newer:], age(x, newer)[newer:], where=is_newer)
        return _unknown_as(extreme(x, window), out)

    @_once
    def fall(self, x: str, window: int) -> Array:
        """The largest fall from a value to a later one of the window."""
        if window == 1:
            return self._zeros()
        newer, older = parts(window)
        out = self._join(partial(self.fall, x), window, np.maximum)
        lows, highs = self.min(x, newer)[newer:], self.max(x, older)
        np.maximum(out[newer:], highs[: len(lows)] - lows, out=out[newer:])
        return out

    @_once
    def rank(self, x: str, window: int) -> Array:
        """Rank of the newest value in the window, ties averaged, as a share of the window."""
        out = (self._score(x, window) + 1) / (2 * window)
        return _unknown_as(self.sum(x, window), out)

    def _score(self, x: str, window: int) -> NDArray[np.int16]:
        """How many values of the window are below the newest one, plus how many are not above it, itself included."""
        values = self._columns[x]
        scores = self._scores.setdefault(x, {1: np.ones(len(values), dtype=np.int16)})
        if window not in scores:
            counted = max(length for length in scores if length < window)
            score = scores[counted].copy()
            for rows in range(counted, min(window, len(values))):
                before, newest = values[:-rows], values[rows:]
                score[rows:] += before < newest
                score[rows:] += before <= newest
            scores[window] = score
        return scores[window]

    def quantile(self, x: str, share: float, window: int) -> Array:
        """The value below which ``share`` (one of ``QUANTILES``) of the window lies, interpolated linearly."""
        values: Array = self._quantiles(x, window)[QUANTILES.index(share)]
        return values

    @_once
    def _quantiles(self, x: str, window: int) -> Array:
        """All of ``QUANTILES``, shape (quantiles, rows)."""
        values = self._columns[x]
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
        out[:, np.isnan(self.sum(x, window))] = np.nan  # which sorting puts last
        return out


def _weighted(operation: np.ufunc, of_newer: int, of_older: int) -> Join:
    """Joins as ``of_newer * newer (operation) of_older * older``."""

    def join(newer: Array, older: Array, out: Array) -> None:
        weighted = older if of_older == 1 else np.multiply(older, of_older, out=out)
        operation(newer if of_newer == 1 else newer * of_newer, weighted, out=out)

    return join


def _unknown_as(known: Array, values: Array) -> Array:
    """``values``, NaN where ``known`` is: a comparison with NaN would not say so."""
    values[np.isnan(known)] = np.nan
    return values
