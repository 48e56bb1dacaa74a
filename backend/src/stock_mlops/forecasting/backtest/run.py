"""One backtest: forecasts and prices in, a strategy beside buy-and-hold out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.backtest.performance import (
    Performance,
    Trading,
    describe_trading,
    equity_curve,
    measure,
)
from stock_mlops.forecasting.backtest.settings import BacktestSettings, check_bps
from stock_mlops.forecasting.backtest.simulation import Simulation, signals, simulate, target
from stock_mlops.forecasting.estimators.base import Floats

DEFAULT_SWEEP_BPS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True, slots=True)
class CostPoint:
    """The strategy under other costs."""

    bps: float
    """Costs and slippage per side."""
    total_return: float
    annualised_return: float
    sharpe: float | None


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """A strategy beside buying at the first open and holding; what is held at the end is valued, not sold, in both."""

    settings: BacktestSettings
    horizon: int
    trials: int
    strategy: Performance
    buy_and_hold: Performance
    trading: Trading
    simulation: Simulation
    sessions: NDArray[np.datetime64]
    """Of the equity curves, (m + 1,): the session of the first decision, then each session traded."""
    equity: Floats
    """From 1, (m + 1,)."""
    buy_and_hold_equity: Floats
    """From 1, (m + 1,)."""

    def cost_sweep(self, bps: Iterable[float] = DEFAULT_SWEEP_BPS) -> list[CostPoint]:
        """The same trades at other costs and slippage per side, in the order given.

        Raises:
            ValueError: costs below 0 or above 1000 basis points.
        """
        points = []
        for cost in bps:
            check_bps("cost", cost)
            found = measure(self.simulation.net_returns(cost))
            points.append(CostPoint(cost, found.total_return, found.annualised_return, found.sharpe))
        return points

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a run's metrics and the API: everything but the curves."""
        first, last = (_day(self.simulation.sessions[position]) for position in (0, -1))
        return {
            "horizon": self.horizon,
            "trials": self.trials,
            "first_session": first.isoformat(),
            "last_session": last.isoformat(),
            "sessions": len(self.simulation.sessions),
            "settings": asdict(self.settings),
            "strategy": asdict(self.strategy) | asdict(self.trading),
            "buy_and_hold": asdict(self.buy_and_hold),
        }


def backtest(
    sessions: NDArray[np.datetime64],
    open: Floats,  # noqa: A002  the price's name
    close: Floats,
    forecasts: Floats,
    horizon: int,
    settings: BacktestSettings | None = None,
    *,
    trials: int = 1,
    trial_variance: float | None = None,
) -> BacktestResult:
    """Trade on forecasts made at closes, at the opens that follow them.

    A forecast of ``horizon`` sessions is a tranche of 1 / horizon of the equity, held for so many sessions; so
    ``horizon`` tranches overlap (Jegadeesh and Titman 1993), brought back to equal parts at every open. Where an open
    is missing nothing is traded and the position stays. A session without a forecast starts no tranche.

    Args:
        sessions: (n,), ascending, consecutive sessions of the exchange.
        open, close: adjusted, (n,); NaN where a price is missing. Of the closes only the last one counts: it values
            what is held at the end.
        forecasts: (n,), made at the close of each session; NaN where there is none.
        horizon: sessions ahead.
        trials: strategies that were tried before this one was chosen.
        trial_variance: variance of their Sharpe ratios per session, where it was kept.

    Raises:
        ValueError: lengths differ, sessions do not ascend, prices are not positive, there is no forecast with a session
            after it, or a number is out of its bounds.
    """
    settings = settings or BacktestSettings()
    _check(sessions, open, close, forecasts, horizon, trials)
    decided = np.flatnonzero(np.isfinite(forecasts))
    first, end = int(decided[0]) + 1, min(int(decided[-1]) + horizon + 1, len(sessions))
    wanted = target(signals(forecasts, settings), horizon)[first:end]
    marks = np.append(open, close[-1])[first : end + 1]
    simulation = simulate(sessions[first:end], marks, wanted)
    holding = simulate(sessions[first:end], marks, np.ones(end - first))
    net, held = simulation.net_returns(settings.total_bps), holding.net_returns(settings.total_bps)
    return BacktestResult(
        settings=settings,
        horizon=horizon,
        trials=trials,
        strategy=measure(net),
        buy_and_hold=measure(held),
        trading=describe_trading(simulation, held, settings.total_bps, trials, trial_variance),
        simulation=simulation,
        sessions=sessions[first - 1 : end],
        equity=equity_curve(net),
        buy_and_hold_equity=equity_curve(held),
    )


def _check(
    sessions: NDArray[np.datetime64], open_: Floats, close: Floats, forecasts: Floats, horizon: int, trials: int
) -> None:
    lengths = {len(sessions), len(open_), len(close), len(forecasts)}
    if len(lengths) != 1:
        raise ValueError(
            "expected sessions, open, close and forecasts of one length, got"
            f" {len(sessions)}, {len(open_)}, {len(close)} and {len(forecasts)}"
        )
    if horizon < 1 or trials < 1:
        raise ValueError(f"expected a horizon and a number of trials of 1 or more, got {horizon} and {trials}")
    if not (np.diff(sessions) > np.timedelta64(0)).all():
        raise ValueError("expected sessions in ascending order, each once; sort them first")
    for name, prices in (("open", open_), ("close", close)):
        if (prices <= 0).any() or np.isinf(prices).any():
            raise ValueError(f"{name}: expected positive prices, or NaN where one is missing")
    if not np.isfinite(forecasts[:-1]).any():
        raise ValueError("expected at least one forecast with a session after it to trade in, got none")


def _day(session: np.datetime64) -> date:
    day: date = session.astype("datetime64[D]").item()
    return day
