"""What looks wrong in an instrument's newest prices although the gate let it in: each row is fine by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import polars as pl

from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.prices.schema import OHLC

# A move of so many robust standard deviations (of the year before) is looked at by a person.
_OUTLIER = 12.0
_HISTORY = 250
_FEWEST = 60
# Makes the median absolute deviation of normal values their standard deviation.
_TO_DEVIATION = 1.4826
# Prices that were adjusted and adjusted back miss what they were by less.
_SAME = 1e-9

NEEDED = _HISTORY
"""Sessions before the judged ones that the judgement of moves needs."""


class Check(StrEnum):
    MISSING_SESSION = "missing_session"
    REPEATED_BAR = "repeated_bar"
    ZERO_VOLUME = "zero_volume"
    OUTLIER = "outlier"
    MISSING_FEATURE = "missing_feature"
    SHIFTED_FEATURES = "shifted_features"


@dataclass(frozen=True, slots=True)
class Finding:
    check: Check
    session: date
    detail: str


def price_findings(frame: pl.DataFrame, expected: Sequence[date], judged: int) -> list[Finding]:
    """Judge the newest ``judged`` sessions, oldest first.

    Args:
        frame: clean prices by session: session, open, high, low, close, volume, factor; ``NEEDED`` rows more than are
            judged, where there are so many.
        expected: sessions of the exchange that should be there, up to the newest stored one.
    """
    sessions = frame["session"].to_list()
    wanted = set(expected[-judged:])
    stored = set(sessions)
    findings = [
        Finding(Check.MISSING_SESSION, day, "the exchange had a session, no row of it is stored")
        for day in sorted(wanted - stored)
    ]
    bars = frame.select(pl.col(name) / pl.col("factor") for name in OHLC).to_numpy()
    volume = frame["volume"].to_numpy()
    moves = _scaled_moves(frame["close"].to_numpy())
    for row in range(max(0, len(sessions) - judged), len(sessions)):
        findings.extend(_row_findings(sessions[row], row, bars, volume, moves))
    return sorted(findings, key=lambda finding: finding.session)


def _row_findings(day: date, row: int, bars: Floats, volume: Floats, moves: Floats) -> list[Finding]:
    found = []
    if row and _repeats(bars, volume, row):
        found.append(Finding(Check.REPEATED_BAR, day, "prices and volume are those of the session before"))
    if volume[row] == 0.0:
        found.append(Finding(Check.ZERO_VOLUME, day, "nothing was traded"))
    if abs(moves[row]) > _OUTLIER:
        text = f"the close moved by {moves[row]:+.1f} of its usual deviations"
        found.append(Finding(Check.OUTLIER, day, text))
    return found


def _repeats(bars: Floats, volume: Floats, row: int) -> bool:
    """Whether a whole bar came again. One without a range repeats by itself where nobody trades."""
    same = np.allclose(bars[row], bars[row - 1], rtol=_SAME, atol=0.0) and volume[row] == volume[row - 1]
    return bool(same and volume[row] > 0.0 and np.ptp(bars[row]) > 0.0)


def _scaled_moves(close: Floats) -> Floats:
    """(n,): each log return in robust deviations of those before it; 0 where there are too few of them."""
    returns = np.diff(np.log(close), prepend=np.nan)
    scaled = np.zeros(len(close))
    for row in range(_FEWEST + 1, len(close)):
        before = returns[max(1, row - _HISTORY) : row]
        centre = np.median(before)
        deviation = _TO_DEVIATION * np.median(np.abs(before - centre))
        if deviation > 0.0:
            scaled[row] = (returns[row] - centre) / deviation
    return scaled
