"""Choices inside one training window: which penalty suits, judged on blocks of time that the fit did not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats, Positions

_BLOCKS = 10
# Fewer rows do not carry a regression on dozens of features, nor a mean loss.
_FEWEST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Block:
    """Rows to validate on, and around them those that the fit must leave out; all others are fitted on."""

    rows: slice
    left_out: slice


def purged_blocks(t: Positions, horizon: int, blocks: int = _BLOCKS) -> list[Block]:
    """Consecutive blocks of sessions for cross-validation; ``t`` (rows,) as in :meth:`Estimator.fit`.

    A row's label ends ``horizon`` sessions later; rows whose label meets a label of the block are left out, before it
    and after it (purged k-fold: Lopez de Prado, Advances in Financial Machine Learning, 2018, section 7.4). Empty when
    the rows are too few.
    """
    found = []
    for sessions in np.array_split(np.unique(t), blocks):
        if not len(sessions):
            return []
        first, last = sessions[0], sessions[-1]
        rows = slice(*np.searchsorted(t, (first, last + 1)).tolist())
        left_out = slice(*np.searchsorted(t, (first - horizon, last + horizon + 1)).tolist())
        if len(t) - (left_out.stop - left_out.start) >= _FEWEST_ROWS:
            found.append(Block(rows, left_out))
    return found if len(found) > 1 else []


def most_restrained(losses: Floats) -> int:
    """The first candidate that is as good as the best one, of ``losses`` (blocks, candidates), most restrained first.

    "As good" is within one standard error (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3).
    The error is that of the difference to the best over the blocks: a block of wild prices is hard for all candidates
    alike, which says nothing about which is better.
    """
    best = int(np.argmin(losses.mean(axis=0)))
    excess = losses - losses[:, [best]]
    standard_error = excess.std(axis=0, ddof=1) / np.sqrt(len(losses))
    return int(np.argmax(excess.mean(axis=0) <= standard_error))
