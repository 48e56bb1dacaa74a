"""Equity curves and trades in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stock_mlops.forecasting.backtest.settings import BASIS_POINT
from stock_mlops.forecasting.backtest.simulation import Simulation, left_after
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.sharpe import (
    SESSIONS_PER_YEAR,
    deflated_sharpe,
    estimate_sharpe,
    probabilistic_sharpe,
)

# Smaller deviations are the rounding of equal returns.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Performance:
    """An equity curve in numbers; None where the sample does not define one. Returns are simple, not logarithmic."""

    total_return: float
    annualised_return: float
    """At 252 sessions a year, compounded."""
    annualised_volatility: float | None
    sharpe: float | None
    """Annualised, over a riskless return of zero."""
    max_drawdown: float
    """Deepest fall below an earlier high, as a share of it: 0.2 is a loss of 20 %."""
    drawdown_sessions: int
    """From the high before that fall until it was reached again, or to the end."""


@dataclass(frozen=True, slots=True)
class Trading:
    """What the strategy did, and how sure its result is."""

    probabilistic_sharpe: float | None
    """Probability that the true Sharpe ratio is above zero."""
    deflated_sharpe: float | None
    """The same, given that the strategy is the best of ``trials``."""
    beta: float | None
    """How much of buy-and-hold is in it: the slope of its returns on those of holding."""
    alpha: float | None
    """What it earned a year beyond ``beta`` times holding (Jensen 1968): the part that is not the price's own rise."""
    deflated_alpha: float | None
    """Probability that this part is above zero, given that the strategy is the best of ``trials``: the deflated Sharpe
    ratio of its returns with the holding taken out."""
    turnover_per_year: float
    """Bought plus sold, as a multiple of the equity."""
    exposure: float
    """Mean share of the equity at stake."""
    trades: int
    """Spells with a position of one sign."""
    trade_hit_rate: float | None
    """Share of trades that earned something after costs."""
    session_hit_rate: float | None
    """Share of sessions with a position and a move in which the position was on its side."""
    break_even_bps: float | None
    """Costs and slippage per side that would leave nothing; None when it loses before costs, or never trades."""


def equity_curve(net: Floats) -> Floats:
    return np.concatenate([[1.0], np.cumprod(1 + net)])


def measure(net: Floats) -> Performance:
    equity = equity_curve(net)
    estimate = estimate_sharpe(net)
    depth, length = _drawdown(equity)
    return Performance(
        total_return=float(equity[-1] - 1),
        annualised_return=float(equity[-1] ** (SESSIONS_PER_YEAR / len(net)) - 1),
        annualised_volatility=float(np.std(net, ddof=1) * math.sqrt(SESSIONS_PER_YEAR)) if len(net) > 1 else None,
        sharpe=None if estimate is None else estimate.annualised,
        max_drawdown=depth,
        drawdown_sessions=length,
    )


def _drawdown(equity: Floats) -> tuple[float, int]:
    high = np.maximum.accumulate(equity)
    below = 1 - equity / high
    bottom = int(np.argmax(below))
    if below[bottom] <= 0:
        return 0.0, 0
    peak = int(np.flatnonzero(equity[: bottom + 1] == high[bottom])[-1])
    recovered = np.flatnonzero(equity[bottom:] >= high[bottom])
    end = bottom + int(recovered[0]) if len(recovered) else len(equity) - 1
    return float(below[bottom]), end - peak


def describe_trading(
    simulation: Simulation, held: Floats, bps: float, trials: int, trial_variance: float | None
) -> Trading:
    """At costs of ``bps`` per side, beside the returns ``held`` (m,) of buying and holding; see
    :func:`~stock_mlops.forecasting.backtest.run.backtest` for the rest."""
    positions, moves = simulation.positions, simulation.moves
    net = simulation.net_returns(bps)
    estimate = estimate_sharpe(net)
    beta, beyond = _without_holding(net, held)
    own = None if beyond is None else estimate_sharpe(beyond)
    earned = _earned_per_trade(simulation, bps)
    told = (positions != 0) & (moves != 0)
    return Trading(
        probabilistic_sharpe=None if estimate is None else probabilistic_sharpe(estimate),
        deflated_sharpe=None if estimate is None else deflated_sharpe(estimate, trials, trial_variance),
        beta=beta,
        alpha=None if beyond is None else float(beyond.mean() * SESSIONS_PER_YEAR),
        deflated_alpha=None if own is None else deflated_sharpe(own, trials, trial_variance),
        turnover_per_year=float(simulation.turnover.mean() * SESSIONS_PER_YEAR),
        exposure=float(np.abs(positions).mean()),
        trades=len(earned),
        trade_hit_rate=float(np.mean(earned > 0)) if len(earned) else None,
        session_hit_rate=float(np.mean((positions * moves > 0)[told])) if told.any() else None,
        break_even_bps=_break_even_bps(simulation),
    )


def _without_holding(net: Floats, held: Floats) -> tuple[float | None, Floats | None]:
    """The slope of ``net`` on ``held``, and ``net`` less that much of ``held``; None where nothing is left to tell."""
    deviation = float(np.std(held))
    if len(net) < 2 or deviation <= _ROUNDING:
        return None, None
    beta = float(np.mean((net - net.mean()) * (held - held.mean()))) / deviation**2
    beyond: Floats = net - beta * held
    return beta, beyond if float(np.std(beyond)) > _ROUNDING * deviation else None


def _earned_per_trade(simulation: Simulation, bps: float) -> Floats:
    """Return of each spell with a position of one sign, its way in and its way out paid; (trades,)."""
    sign = np.sign(simulation.positions)
    begins = np.diff(sign, prepend=0.0) != 0
    # Where a spell ends and another begins, a part of what is traded closes the one and the rest opens the other.
    opening = np.where(begins, np.abs(simulation.positions), simulation.turnover)
    closing = np.append((simulation.turnover - opening)[1:], 0.0)
    factors = left_after(opening, bps) * np.maximum(simulation.growth, 0.0) * left_after(closing, bps)
    starts = np.flatnonzero(begins)
    if not len(starts):
        return np.empty(0)
    per_spell = np.multiply.reduceat(factors, starts) - 1
    earned: Floats = per_spell[sign[starts] != 0]
    return earned


def _break_even_bps(simulation: Simulation) -> float | None:
    from scipy.optimize import brentq

    turnover, growth = simulation.turnover, simulation.growth
    if not turnover.any() or (growth <= 0).any():
        return None
    gained = float(np.log(growth).sum())
    if gained < 0:
        return None

    def left(cost: float) -> float:
        return gained + float(np.log1p(-cost * turnover).sum())

    # At 1 / max(turnover) one trade costs all there is; just below it the logarithm is as low as numbers go.
    highest = (1 - 1e-15) / float(turnover.max())
    return float(brentq(left, 0.0, highest)) / BASIS_POINT
