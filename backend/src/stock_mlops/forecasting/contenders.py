"""Two model versions side by side: what each forecast of the same sessions, and which sessions those are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from stock_kit.model_settings import GateSettings

from stock_mlops.forecasting.estimators.base import Floats, Positions, Task
from stock_mlops.forecasting.metrics import compare_losses

Window = Literal["new_sessions", "out_of_fold", "none"]
"""What both models were compared on: sessions after the champion's training, which neither has seen; sessions that both
had held out in their validation; nothing."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A version as the gate sees it."""

    version: int | None
    """None: not registered yet."""
    exchange: str
    tickers: tuple[str, ...]
    task: Task
    horizon: int
    trained_until: date
    forecasts: pl.DataFrame = field(repr=False)
    """Out of fold: ticker, session, horizon, y, y_hat, probability_up, fold; see ``training_record``."""
    new: pl.DataFrame | None = field(default=None, repr=False)
    """Of a champion: ticker, session, horizon, y_hat for sessions after its training."""

    def asked(self, new: pl.DataFrame) -> Contender:
        """The same version with its forecasts for sessions after its training."""
        return replace(self, new=new)

    def at(self, horizon: int) -> pl.DataFrame:
        return self.forecasts.filter(pl.col("horizon") == horizon).sort("session", "ticker")


@dataclass(frozen=True, slots=True)
class Pair:
    """What two models forecast at one horizon for the same sessions; arrays (n,), in the order of time."""

    horizon: int
    y: Floats
    challenger: Floats
    champion: Floats
    t: Positions

    @property
    def sessions(self) -> int:
        return len(np.unique(self.t))

    @property
    def rmse(self) -> tuple[float, float]:
        """The challenger's and the champion's."""
        errors = (self.y - self.challenger, self.y - self.champion)
        first, second = (float(np.sqrt(np.mean(error**2))) for error in errors)
        return first, second

    def p_worse(self) -> float | None:
        """How likely squared errors so much larger than the champion's are by luck; None: the same forecasts."""
        gain = (self.y - self.champion) ** 2 - (self.y - self.challenger) ** 2
        test = compare_losses(gain, self.horizon, self.t)
        return None if test is None else test.p_worse


def same_window(challenger: Contender, champion: Contender, limits: GateSettings) -> tuple[Window, list[Pair]]:
    """The sessions to compare on, one pair per common horizon.

    Sessions after the champion's training when there are enough of them. Else those that both had held out, by the
    returns that the *champion* was judged by: a challenger whose data are wrong must not bring its own yardstick.
    """
    horizons = range(1, min(challenger.horizon, champion.horizon) + 1)
    if champion.new is not None:
        newer = challenger.forecasts.filter(pl.col("session") > champion.trained_until)
        pairs = _pairs(newer.rename({"y_hat": "y_hat_challenger"}), champion.new, horizons)
        if min((pair.sessions for pair in pairs), default=0) >= limits.new_sessions:
            return "new_sessions", pairs
    held_out = challenger.forecasts.select("ticker", "session", "horizon", y_hat_challenger="y_hat")
    pairs = _pairs(held_out, champion.forecasts, horizons)
    if min((pair.sessions for pair in pairs), default=0) >= limits.min_sessions:
        return "out_of_fold", pairs
    return "none", pairs


def _pairs(challenger: pl.DataFrame, champion: pl.DataFrame, horizons: Iterable[int]) -> list[Pair]:
    both = challenger.join(champion, on=("ticker", "session", "horizon")).sort("session", "ticker")
    pairs = []
    for horizon in horizons:
        rows = both.filter(pl.col("horizon") == horizon)
        y, first, second = rows.select("y", "y_hat_challenger", "y_hat").to_numpy().T
        pairs.append(Pair(horizon, y, first, second, positions(rows)))
    return pairs


def positions(rows: pl.DataFrame) -> Positions:
    """Each row's session, numbered in the order of time."""
    return rows["session"].rank("dense").to_numpy().astype(np.intp)
