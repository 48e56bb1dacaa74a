"""Splits into training and test windows that do not leak.

Positions count sessions of the exchange from the start of the data. A row at position t with horizon h has its label at
t + h, so a training row whose interval from t to t + h meets a test row's knows something of the test window; such rows
are *purged*. The *embargo* widens the gap, because neighbouring sessions share most of their features' windows
(Lopez de Prado, Advances in Financial Machine Learning, 2018, chapter 7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scheme = Literal["expanding", "rolling", "purged_kfold"]
Window = tuple[int, int]
"""A half-open range of positions."""

# A year: less does not show a model one round of seasons, and most of its features look back a quarter or more.
MIN_TRAIN = 252
# A month: metrics of a shorter test window are mostly chance.
MIN_TEST = 21
# The share of a long history that the first fold trains on.
_FIRST_TRAIN_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Fold:
    """Train on the windows ``train`` (one, or the two sides of a k-fold test window), test on ``test``."""

    train: tuple[Window, ...]
    test: Window

    def trains_on(self, t: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the positions ``t`` (n,) lie in a training window."""
        inside: NDArray[np.bool_] = np.any([(t >= start) & (t < end) for start, end in self.train], axis=0)
        return inside

    def tests_on(self, t: NDArray[np.int64]) -> NDArray[np.bool_]:
        return (t >= self.test[0]) & (t < self.test[1])


def minimum_length(folds: int, horizon: int, embargo: int, scheme: Scheme = "expanding") -> int:
    """Fewest sessions that can be split: a year to train on, the gaps, and a month per fold whose labels are known."""
    gap = horizon + embargo
    if scheme == "purged_kfold":
        # All blocks but one, less the gaps on both sides, are trained on; blocks differ by one session.
        to_train = math.ceil((MIN_TRAIN + 2 * gap) * folds / (folds - 1)) + folds
        return horizon + max(to_train, folds * MIN_TEST)
    return MIN_TRAIN + gap + folds * MIN_TEST + horizon


def split(length: int, *, folds: int, horizon: int, embargo: int, scheme: Scheme = "expanding") -> list[Fold]:
    """Split ``length`` sessions into ``folds`` consecutive test windows of (nearly) equal length, oldest first.

    The test windows end where labels end, at ``length - horizon``. Of the walk-forward schemes, ``expanding`` trains on
    all that came before, ``rolling`` on as many sessions as the first fold has. ``purged_kfold`` tests all of the
    history and trains on both sides of each window: for histories too short to spare a first third.

    Raises:
        ValueError: ``length`` is below :func:`minimum_length`.
    """
    shortest = minimum_length(folds, horizon, embargo, scheme)
    if length < shortest:
        raise ValueError(f"expected at least {shortest} sessions, got {length}")
    gap = horizon + embargo
    labelled = length - horizon
    if scheme == "purged_kfold":
        return [_between(start, end, gap, labelled) for start, end in pairwise(_edges(0, labelled, folds))]
    # Long histories give the first fold more to learn from, short ones the minimum.
    first_test = min(max(MIN_TRAIN + gap, int(length * _FIRST_TRAIN_SHARE)), labelled - folds * MIN_TEST)
    window = first_test - gap
    return [
        Fold(((0 if scheme == "expanding" else start - gap - window, start - gap),), (start, end))
        for start, end in pairwise(_edges(first_test, labelled, folds))
    ]


def _edges(start: int, end: int, parts: int) -> list[int]:
    return [start + (end - start) * step // parts for step in range(parts + 1)]


def _between(start: int, end: int, gap: int, labelled: int) -> Fold:
    sides = ((0, start - gap), (end + gap, labelled))
    return Fold(tuple(side for side in sides if side[0] < side[1]), (start, end))
