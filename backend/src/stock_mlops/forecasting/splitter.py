"""Walk-forward splits that do not leak.

Positions count sessions of the exchange from the start of the data. A row at position t with horizon h has its label at
t + h, so a training row whose label lies at or after the first test row knows something of the test window; such rows
are *purged*. The *embargo* widens the gap, because neighbouring sessions share most of their features' windows
(Lopez de Prado, Advances in Financial Machine Learning, 2018, chapter 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Scheme = Literal["expanding", "rolling"]

# A year: less does not show a model one round of seasons, and most of its features look back a quarter or more.
MIN_TRAIN = 252
# A month: metrics of a shorter test window are mostly chance.
MIN_TEST = 21
# The share of a long history that the first fold trains on.
_FIRST_TRAIN_SHARE = 1 / 3


@dataclass(frozen=True, slots=True)
class Fold:
    """Half-open ranges of positions: train on [train_start, train_end), test on [test_start, test_end)."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int


def minimum_length(folds: int, horizon: int, embargo: int) -> int:
    """Fewest sessions that can be split: a year to train on, the gap, and a month per fold whose labels are known."""
    return MIN_TRAIN + horizon + embargo + folds * MIN_TEST + horizon


def walk_forward(length: int, *, folds: int, horizon: int, embargo: int, scheme: Scheme = "expanding") -> list[Fold]:
    """Split ``length`` sessions into ``folds`` consecutive test windows of (nearly) equal length, oldest first.

    The test windows end where labels end, at ``length - horizon``. The rolling scheme trains on as many sessions as the
    first fold has.

    Raises:
        ValueError: ``length`` is below :func:`minimum_length`.
    """
    shortest = minimum_length(folds, horizon, embargo)
    if length < shortest:
        raise ValueError(f"expected at least {shortest} sessions, got {length}")
    gap = horizon + embargo
    # Long histories give the first fold more to learn from, short ones the minimum.
    room_for_tests = length - horizon - folds * MIN_TEST
    first_test = min(max(MIN_TRAIN + gap, int(length * _FIRST_TRAIN_SHARE)), room_for_tests)
    window = first_test - gap
    edges = [first_test + (length - horizon - first_test) * step // folds for step in range(folds + 1)]
    result = []
    for start, end in pairwise(edges):
        train_end = start - gap
        train_start = 0 if scheme == "expanding" else train_end - window
        result.append(Fold(train_start, train_end, start, end))
    return result
