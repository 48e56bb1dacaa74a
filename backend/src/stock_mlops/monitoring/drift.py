"""Drift: whether the newest sessions look like those that a model was trained on.

Each column (a feature, the return, the forecast) is compared by itself: where the values of a window of sessions lie in
the distribution of the training rows, and whether these places are spread evenly (Anderson and Darling 1952, which
gives the tails their weight, so that a change of scale shows as soon as one of level). How far from even is still
chance depends on the window's length and on how long a column remembers: ten sessions hold ten returns and hardly one
volatility of sixty sessions. So the statistic is compared with what windows of the same length give that
are drawn in blocks from the training rows themselves (Kuensch 1989; Politis and Romano 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.intervals import quantiles
from stock_mlops.monitoring.bootstrap import block_length, stationary_positions
from stock_mlops.monitoring.discovery import discoveries

WINDOW = 10
"""Sessions that are compared at once."""
CRITICAL = 0.99
"""The statistic is told in multiples of this quantile of the undisturbed one."""

_RESAMPLES = 1000
_PLACES = np.linspace(0.0, 1.0, 101)
# Of the undisturbed statistic: the bulk, and finer towards the tail, where p-values are read.
_TAIL = np.concatenate([np.linspace(0.0, 0.9, 19), 1.0 - np.geomspace(0.08, 1.0 / _RESAMPLES, 21), [1.0]])
_BODY_END = 18
"""Position of the 90 % quantile."""
_LAYOUT = 1


@dataclass(frozen=True, slots=True)
class DriftResult:
    """One window; arrays are (columns,)."""

    statistic: Floats
    """In multiples of the :data:`CRITICAL` quantile: above 1 is what one undisturbed window in a hundred reaches."""
    p_value: Floats


@dataclass(frozen=True, slots=True)
class DriftReference:
    """The training rows of one instrument, as far as drift is told by them."""

    columns: tuple[str, ...]
    grid: Floats
    """(columns, 101): quantiles of the training rows."""
    undisturbed: Floats
    """(columns, 41): quantiles, at ``_TAIL``, of the statistic of windows drawn from the training rows."""
    tails: Floats
    """(columns,): mean excess of that statistic over its 90 % quantile."""
    blocks: Floats
    """(columns,): mean length of the blocks that they were drawn in."""
    rows: int
    window: int = WINDOW

    @staticmethod
    def fewest(window: int) -> int:
        """Training rows that it takes."""
        return 5 * window

    @classmethod
    def of(cls, columns: Sequence[str], x: Floats, window: int = WINDOW, seed: int = 0) -> DriftReference:
        """From training rows ``x`` (n, columns), finite, in the order of time.

        Raises:
            ValueError: there are fewer than five windows of them, which cannot tell what is usual.
        """
        n = len(x)
        if n < cls.fewest(window):
            raise ValueError(f"expected at least {cls.fewest(window)} training rows (five windows), got {n}")
        grid = quantiles(x, _PLACES).T
        places = _places(grid, x, n)
        # A series of returns does not remember its level, but how much it moves.
        blocks = np.array([max(block_length(u), block_length(np.abs(u - 0.5))) for u in places.T])
        rng = np.random.default_rng(seed)
        undisturbed = np.empty((len(columns), len(_TAIL)))
        tails = np.empty(len(columns))
        for column, block in enumerate(blocks):
            drawn = stationary_positions(n, window, block, _RESAMPLES, rng)
            told = _anderson_darling(places[drawn, column])
            undisturbed[column] = quantiles(told, _TAIL)
            start = undisturbed[column, _BODY_END]
            tails[column] = max(float(np.mean(told[told > start] - start)), 1e-9) if (told > start).any() else 1e-9
        return cls(tuple(columns), grid, undisturbed, tails, blocks, n, window)

    def compare(self, x: Floats) -> DriftResult:
        """The window ``x`` (window, columns)."""
        statistic = _anderson_darling(_places(self.grid, x, self.rows).T)
        return DriftResult(self._scaled(statistic), self._p_values(statistic))

    def _scaled(self, statistic: Floats) -> Floats:
        critical = np.array([np.interp(CRITICAL, _TAIL, row) for row in self.undisturbed])
        scaled: Floats = statistic / np.maximum(critical, 1e-12)
        return scaled

    def _p_values(self, statistic: Floats) -> Floats:
        """Beyond the 90 % quantile by the exponential tail that a weighted sum of chi squares has, which the statistic
        is: how rare something is that the training rows never showed is not read off the largest of some resamples."""
        p_values = np.empty(len(statistic))
        for column, (value, row) in enumerate(zip(statistic, self.undisturbed, strict=True)):
            start, scale = row[_BODY_END], self.tails[column]
            if value <= start:
                p_values[column] = 1.0 - np.interp(value, row, _TAIL)
            else:
                p_values[column] = (1.0 - _TAIL[_BODY_END]) * np.exp(-(value - start) / scale)
        return p_values

    def to_bytes(self) -> bytes:
        buffer = BytesIO()
        np.savez_compressed(
            buffer,
            layout=_LAYOUT,
            columns=np.array(self.columns),
            grid=self.grid,
            undisturbed=self.undisturbed,
            tails=self.tails,
            blocks=self.blocks,
            rows=self.rows,
            window=self.window,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> DriftReference | None:
        """None when another release wrote it: it is computed again then."""
        with np.load(BytesIO(content), allow_pickle=False) as file:
            if int(file["layout"]) != _LAYOUT:
                return None
            return cls(
                tuple(file["columns"].tolist()),
                file["grid"],
                file["undisturbed"],
                file["tails"],
                file["blocks"],
                int(file["rows"]),
                int(file["window"]),
            )


def _places(grid: Floats, x: Floats, rows: int) -> Floats:
    """Where each value of ``x`` (m, columns) lies in the training distribution, inside (0, 1)."""
    columns = [np.interp(x[:, column], values, _PLACES) for column, values in enumerate(grid)]
    # Beyond all that was seen is rarer than one in as many, not impossible.
    return np.clip(np.column_stack(columns), 0.5 / rows, 1.0 - 0.5 / rows)


def _anderson_darling(u: Floats) -> Floats:
    """A squared of places ``u`` (m, window) against evenly spread ones: (m,)."""
    ordered = np.sort(u, axis=1)
    n = ordered.shape[1]
    weights = (2 * np.arange(1, n + 1) - 1) / n
    statistic: Floats = -n - (np.log(ordered) + np.log1p(-ordered[:, ::-1])) @ weights
    return statistic


@dataclass(frozen=True, slots=True)
class Drifting:
    """The newest window, and how long it has been so; arrays are (columns,)."""

    statistic: Floats
    p_value: Floats
    drifted: NDArray[np.bool_]
    sessions: int
    """At how many of the newest sessions anything drifted."""
    persistent: bool


def watch_drift(
    reference: DriftReference, x: Floats, families: Sequence[Sequence[int]], rate: float, persistence: int, of: int
) -> Drifting | None:
    """Look at the windows that end with each of the newest ``of`` sessions.

    Args:
        x: (n, columns): complete rows in the order of time.
        families: positions of columns that are tested together. A few that tell much are not drowned by many.
        rate: of false discoveries among a family's columns called drifted.
        persistence: at so many of the ``of`` sessions something has to drift, the newest included.

    Returns:
        None when there are too few rows for one window.
    """
    ends = range(max(reference.window, len(x) - of + 1), len(x) + 1)
    results = [reference.compare(x[end - reference.window : end]) for end in ends]
    if not results:
        return None
    drifted = [_drifted(result.p_value, families, rate) for result in results]
    sessions = sum(bool(found.any()) for found in drifted)
    persistent = sessions >= persistence and bool(drifted[-1].any())
    return Drifting(results[-1].statistic, results[-1].p_value, drifted[-1], sessions, persistent)


def _drifted(p_values: Floats, families: Sequence[Sequence[int]], rate: float) -> NDArray[np.bool_]:
    found = np.zeros(len(p_values), dtype=np.bool_)
    for family in families:
        found[list(family)] = discoveries(p_values[list(family)], rate)
    return found
