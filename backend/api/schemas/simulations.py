"""Simulations: what is asked for, where each stands, what it decided, what its days added up to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from stock_mlops.retraining.cycle import Event
from stock_mlops.retraining.cycle import State as RetrainingState
from stock_mlops.simulation.plan import Source
from stock_mlops.simulation.state import Stage, State

from api.schemas.common import (
    BodyModel,
    Day,
    Exchange,
    JobError,
    Limit,
    Offset,
    PageCursor,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
)
from api.schemas.models import GateCheck
from api.schemas.retraining import RetrainingPolicy, RetrainingPolicyRequest


class SimulationRequest(BodyModel):
    first: Day = Field(description="first session that is forecast from; two years of prices have to lie before it")
    last: Day = Field(description="last session; where a ticker's prices end earlier, so does the simulation")
    tickers: list[Ticker] = Field(min_length=1, max_length=20)
    exchange: Exchange = "US"
    source: Source = Field("sample", description="the shipped sample, or the prices that the platform holds")
    model_type: SafeText = Field("ridge", max_length=50, description="of every ticker's models")
    features: list[SafeText] = Field(
        default_factory=list, max_length=500, description="names of features or groups; none: the default set"
    )
    retrain_every: Annotated[int, Field(ge=5, le=500)] | None = Field(
        21, description="new sessions after which a model is trained again; null: never"
    )
    policy: RetrainingPolicyRequest | None = Field(None, description="whole policy, in the place of retrain_every")
    cost_bps: float = Field(5.0, ge=0, le=1000, description="cost of one side of a trade in basis points")
    verify: int = Field(20, ge=0, le=500, description="sampled days that are computed again from data cut there")
    seed: int = Field(7, ge=0, le=2**31 - 1)
    name: SafeText = Field("", max_length=200, description="for people")


class SimulationPlan(ResponseModel):
    """What it was asked for, with what was left out filled in."""

    first: date
    last: date
    tickers: list[str]
    exchange: str
    source: Source
    model_type: str
    features: list[str] = Field(description="none: the default set")
    policy: RetrainingPolicy
    cost_bps: float
    verify: int
    seed: int


class SimulationAccepted(ResponseModel):
    simulation_id: UUID
    state: State
    status_url: str


class SimulationCounts(ResponseModel):
    """So far."""

    forecasts: int = 0
    settled: int = 0
    trainings: int = 0
    promotions: int = 0
    rejections: int = 0
    rollbacks: int = 0
    alerts: int = 0


class SimulatedTicker(ResponseModel):
    ticker: str
    forecasts: int
    settled: int
    rmse: float | None
    skill: float | None
    hit_rate: float | None
    coverage: float | None
    trainings: int
    promotions: int
    rejections: int
    rollbacks: int
    strategy_return: float | None
    buy_and_hold_return: float | None


class SimulatedMonth(ResponseModel):
    month: str = Field(description="YYYY-MM, of the sessions that were forecast")
    settled: int
    skill: float | None
    coverage: float | None
    strategy: float = Field(description="equity at the month's end; 1 before the first day")
    buy_and_hold: float


class SimulatedMoney(ResponseModel):
    """All tickers in equal parts: bought at the next open while a rise is forecast, else cash; costs paid."""

    strategy_return: float
    buy_and_hold_return: float
    sharpe: float | None = Field(description="a year's")
    max_drawdown: float
    turnover: float = Field(description="traded share of the equity per session, mean")
    cost_bps: float


class SimulatedAlerts(ResponseModel):
    alerts: int
    false_alarms: int


class SimulationCheck(ResponseModel):
    """Sampled days that were computed again from data cut there."""

    days: int
    equal: int = Field(description="days with the same forecasts and decisions")
    differences: list[str]


class SimulationSummary(ResponseModel):
    forecasts: int
    settled: int
    trainings: int
    promotions: int
    rejections: int
    confirmations: int
    rollbacks: int
    failures: int
    rejected_because: dict[str, int] = Field(description="how often each check refused a challenger")
    rmse: float | None
    skill: float | None = Field(description="1 - MSE / MSE of the random walk")
    hit_rate: float | None
    coverage: float | None = Field(description="share of closes inside their intervals")
    level: float = Field(description="what that share should be")
    money: SimulatedMoney
    alerts: int
    false_alarms: int = Field(description="alerts of a model after which it did not do worse than validated")
    alerts_by_detector: dict[str, SimulatedAlerts]
    by_ticker: list[SimulatedTicker]
    series: list[SimulatedMonth]
    verified: SimulationCheck | None = Field(description="null: none was asked for")


class Simulation(ResponseModel):
    simulation_id: UUID
    name: str
    state: State
    request: SimulationPlan
    stage: Stage = Field(description="what is done next, of the session at work")
    session: date | None = Field(description="the one at work; null before the first")
    sessions_done: int
    sessions_total: int
    progress: float = Field(ge=0, le=1)
    seconds_left: float | None = Field(description="at the pace of the newest sessions")
    counts: SimulationCounts
    summary: SimulationSummary | None = Field(description="once it is completed")
    report_url: str | None = Field(description="address of the report for programs: HTML, or Markdown on demand")
    page_url: str | None = Field(description="address of the report for a frame or a tab, good for an hour")
    error: JobError | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None


class SimulationPage(ResponseModel):
    items: list[Simulation] = Field(description="newest first")
    next_cursor: str | None = Field(None, description="null on the last page")


class SimulationQuery(RequestModel):
    limit: Limit = 50
    cursor: PageCursor | None = None


class SimulationDecision(ResponseModel):
    """A step of a retraining, at the end of a session; or that a first model serves though the gate refused it:
    something has to serve."""

    session: date
    ticker: str
    retraining_id: UUID = Field(description="of a first model: its own id")
    event: Event
    from_state: RetrainingState | None
    to_state: RetrainingState
    challenger: int | None
    detail: str
    checks: list[GateCheck] = Field(description="what it was decided by")


class SimulationDecisions(ResponseModel):
    total: int
    items: list[SimulationDecision] = Field(description="newest first")


class DecisionQuery(RequestModel):
    limit: Limit = 200
    offset: Offset = 0


class SimulationReportQuery(RequestModel):
    format: Literal["html", "markdown"] = "html"
