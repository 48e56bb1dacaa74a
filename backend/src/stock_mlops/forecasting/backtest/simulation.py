"""From forecasts to positions, and what the positions earned session by session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.backtest.settings import BASIS_POINT, BacktestSettings
from stock_mlops.forecasting.estimators.base import Floats


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happened session by session. Session k's row runs from its open to the next one's; that of the last session
    of all to its close. All (m,)."""

    sessions: NDArray[np.datetime64]
    positions: Floats
    """Share of the equity held, negative when sold short."""
    turnover: Floats
    """Bought plus sold at the open, as a share of the equity."""
    moves: Floats
    """Simple return of the price."""

    @property
    def growth(self) -> Floats:
        """What a session multiplied the equity by, before costs; 0 or less when more than all of it was lost."""
        return 1 + self.positions * self.moves

    def net_returns(self, bps: float) -> Floats:
        """Simple returns of the equity at costs of ``bps`` per side; -1 when all is lost."""
        return left_after(self.turnover, bps) * np.maximum(self.growth, 0.0) - 1


def left_after(turnover: Floats, bps: float) -> Floats:
    """Share of the equity that trades of ``turnover`` leave at costs of ``bps`` per side."""
    left: Floats = np.maximum(1 - bps * BASIS_POINT * turnover, 0.0)
    return left


def signals(forecasts: Floats, settings: BacktestSettings) -> Floats:
    """1 to buy, -1 to sell short, 0 to stay out; (n,)."""
    away = np.where(np.isfinite(forecasts), forecasts - settings.neutral, 0.0)
    falls = (away < -settings.threshold) & (settings.mode == "long_short")
    return (away > settings.threshold).astype(np.float64) - falls


def target(decided: Floats, horizon: int) -> Floats:
    """Share of the equity to hold from the open of each session: the mean of the ``horizon`` signals before it."""
    total = np.concatenate([np.zeros(horizon), np.cumsum(decided)])
    # A running sum of whole numbers is exact, so that a tranche that ended leaves nothing behind.
    recent = np.concatenate([[0.0], total[horizon:-1] - total[: -horizon - 1]])
    mean: Floats = recent / horizon
    return mean


def simulate(sessions: NDArray[np.datetime64], marks: Floats, wanted: Floats) -> Simulation:
    """Trade to ``wanted`` (m,) at every known open of ``marks`` (m + 1,: the opens, and the price at the end)."""
    known = np.isfinite(marks)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(marks)), -1))
    prices = np.where(latest >= 0, marks[np.maximum(latest, 0)], 1.0)
    # Before the first open there is nothing to hold, and the step onto it is no move.
    moves = np.where(latest[:-1] >= 0, prices[1:] / prices[:-1] - 1, 0.0)
    positions = np.where(latest[:-1] >= 0, wanted[np.maximum(latest[:-1], 0)], 0.0)
    ruined = np.flatnonzero(1 + positions * moves <= 0)
    if len(ruined):
        positions[ruined[0] + 1 :] = 0.0
    grown = 1 + positions * moves
    drifted = np.divide(positions * (1 + moves), grown, out=np.zeros_like(grown), where=grown > 0)
    before = np.concatenate([[0.0], drifted[:-1]])
    turnover = np.where(known[:-1], np.abs(positions - before), 0.0)
    return Simulation(sessions, positions, turnover, moves)
