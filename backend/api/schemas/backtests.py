"""Backtests: what following a model's forecasts would have earned."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from stock_mlops.forecasting.backtest.settings import Mode

from api.schemas.common import BodyModel, ResponseModel, Ticker
from api.schemas.models import VersionNumber

BasisPoints = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False, description="basis points per side")]


class BacktestRequest(BodyModel):
    version: VersionNumber | None = Field(None, description="null: the one that serves, else the newest")
    ticker: Ticker | None = Field(None, description="one of a panel's; null: the model's own ticker")
    horizon: Annotated[int, Field(ge=1, le=60, description="sessions ahead; each forecast is held so long")] = 1
    mode: Mode = Field("long_flat", description="what a forecast of a fall means: out, or sold short")
    signal: Literal["return", "probability"] = Field(
        "return", description="trade on the expected return, or the chance of a rise"
    )
    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        0.0, description="act only on log returns beyond this, or chances so far from one half"
    )
    cost_bps: BasisPoints = 5.0
    slippage_bps: BasisPoints = 0.0
    sweep_bps: Annotated[list[BasisPoints], Field(max_length=20)] = Field(
        default_factory=lambda: [0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0], description="other costs to try"
    )


class Performance(ResponseModel):
    """An equity curve in numbers; null where the sample does not define one."""

    total_return: float
    annualised_return: float
    annualised_volatility: float | None
    sharpe: float | None
    max_drawdown: float
    drawdown_sessions: int


class Strategy(Performance):
    probabilistic_sharpe: float | None = Field(description="probability that the true Sharpe ratio is above zero")
    deflated_sharpe: float | None = Field(description="the same, given how many strategies were tried")
    beta: float | None
    alpha: float | None = Field(description="a year, beyond beta times holding (Jensen 1968)")
    deflated_alpha: float | None = Field(description="probability that alpha is above zero")
    turnover_per_year: float
    exposure: float
    trades: int
    trade_hit_rate: float | None
    session_hit_rate: float | None
    break_even_bps: float | None = Field(description="costs per side that would leave nothing")


class CostPoint(ResponseModel):
    bps: float
    total_return: float
    annualised_return: float
    sharpe: float | None


class Backtest(ResponseModel):
    """Decided at each close on forecasts made without having seen what followed, executed at the next open."""

    model_id: UUID
    registered_name: str
    version: int
    exchange: str
    ticker: str
    horizon: int
    trials: int = Field(description="strategies that were tried before this one was chosen")
    first_session: date
    last_session: date
    sessions: list[date] = Field(description="of the equity curves")
    strategy: Strategy
    buy_and_hold: Performance
    equity: list[float] = Field(description="from 1")
    buy_and_hold_equity: list[float] = Field(description="from 1")
    costs: list[CostPoint]
