"""Predictions: one now, their history, and paths of several days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from stock_kit.events import PredictionEvent

from api.schemas.common import (
    BodyModel,
    Day,
    Exchange,
    JobAccepted,
    JobError,
    JobStatus,
    Limit,
    PageCursor,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
    check_order,
)

Horizon = Annotated[int, Field(ge=1, le=250, description="sessions ahead")]


class PredictRequest(BodyModel):
    ticker: Ticker
    exchange: Exchange = "US"
    horizon: Horizon = 1


class Prediction(PredictionEvent):
    """A forecast, and what became of it once its target session has closed."""

    inputs: tuple[float, ...] = Field((), exclude=True)

    actual_close: float | None = Field(
        None,
        description="close of the target session on the price basis of as_of: last_close times the change of the"
        " adjusted close, so that splits and dividends in between do not count as error; null until it is known",
    )
    error_pct: float | None = Field(None, description="signed: predicted_close / actual_close - 1")


class Contribution(ResponseModel):
    """A feature of one forecast."""

    name: str
    value: float
    contribution: float


class Explanation(ResponseModel):
    """How a forecast came about, on the scale of the model's own output."""

    method: Literal["linear", "tree_shap", "occlusion"] = Field(
        description="linear: coefficient times the distance from the training median; tree_shap: Shapley values of the"
        " trees; occlusion: how far the output moves when the feature alone is set to its training median"
    )
    scale: Literal["log_return", "log_odds", "probability"] = Field(
        description="of base, output and contributions; a classifier's are of a rise, before calibration"
    )
    base: float = Field(
        description="linear, occlusion: output for the training medians; tree_shap: mean over the training rows"
    )
    output: float
    additive: bool = Field(description="whether base and contributions sum to the output")
    features: list[Contribution] = Field(description="largest contribution first")


class PredictionDetail(Prediction):
    explanation: Explanation | None = None
    unexplained: str | None = Field(None, description="why there is no explanation; null when there is one")


class PredictionPage(ResponseModel):
    items: list[Prediction]
    next_cursor: str | None = Field(None, description="cursor of the next, older page; null on the last")


class PredictionQuery(RequestModel):
    ticker: Ticker | None = None
    exchange: Exchange | None = None
    model: Annotated[SafeText, Field(min_length=1, max_length=200)] | None = Field(
        None, description="registered model, e.g. stock-US-AAPL, or random_walk"
    )
    origin: Literal["api", "job", "replay"] | None = Field(None, description="who asked for it")
    version: Annotated[SafeText, Field(min_length=1, max_length=20)] | None = Field(
        None, description="version of the model"
    )
    start: Day | None = Field(None, description="first target session")
    end: Day | None = Field(None, description="last target session")
    settled: bool = Field(False, description="only those whose outcome is known")
    limit: Limit = 50
    cursor: PageCursor | None = None

    @model_validator(mode="after")
    def _ordered(self) -> PredictionQuery:
        check_order(self.start, self.end)
        return self


class BulkInstrument(RequestModel):  # has no numbers to look at, and comes by the thousand
    ticker: Ticker
    exchange: Exchange = "US"


class BulkRequest(BodyModel):
    instruments: Annotated[list[BulkInstrument], Field(min_length=1, max_length=1000)]
    horizon: Horizon = 1


class BulkProblem(ResponseModel):
    """Why there is no prediction; as the problem that asking for it alone is answered with."""

    status: int
    code: str
    title: str
    detail: str


class BulkItem(ResponseModel):
    exchange: str
    ticker: str
    prediction: Prediction | None = None
    problem: BulkProblem | None = None


class BulkAnswer(ResponseModel):
    predicted: int
    failed: int
    items: list[BulkItem] = Field(description="in the order asked for")


class AccuracyQuery(RequestModel):
    ticker: Ticker | None = None
    exchange: Exchange | None = None
    model: Annotated[SafeText, Field(min_length=1, max_length=200)] | None = Field(
        None, description="registered model, e.g. stock-US-AAPL, or random_walk"
    )
    horizon: Horizon | None = None
    window: Annotated[int, Field(ge=1, le=2000, description="settled sessions, the newest ones")] = 60
    limit: Limit = 100


class Accuracy(ResponseModel):
    """How one model version did on the newest settled sessions of a ticker and horizon, in log returns."""

    exchange: str
    ticker: str
    model_name: str
    model_version: str | None
    horizon: int
    n: int = Field(description="sessions that were there; of each the version's newest forecast counts")
    first_session: date = Field(description="first target session")
    last_session: date = Field(description="last target session")
    rmse: float
    mae: float
    bias: float = Field(description="mean of forecast minus realised: above zero is too optimistic")
    skill: float | None = Field(description="1 - MSE / MSE of the random walk; null when no price moved")
    hit_rate: float | None = Field(description="share of moves whose direction was forecast; null when none was")
    level: float | None = Field(description="stated coverage of the intervals; null without intervals")
    coverage: float | None = Field(description="share of closes inside their intervals")
    width: float | None = Field(description="mean width of the intervals, from end to end")


class AccuracyList(ResponseModel):
    window: int
    items: list[Accuracy]


class FutureRequest(BodyModel):
    ticker: Ticker
    exchange: Exchange = "US"
    days: Annotated[int, Field(ge=1, le=250, description="sessions ahead, one prediction each")]


class FutureAccepted(JobAccepted):
    partial_status_url: str
    stream_url: str


class FutureResult(ResponseModel):
    predictions: list[PredictionEvent]


class FutureStatus(JobStatus):
    result: FutureResult | None = None


class FuturePartialStatus(ResponseModel):
    task_id: UUID
    state: Literal["pending", "running", "completed", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    days_done: int
    days_total: int
    predictions: list[PredictionEvent] = Field(description="the days predicted so far, nearest first")


class FutureProgress(FuturePartialStatus):
    """One event of the stream."""

    stage: str
    error: JobError | None = None
    predictions: list[PredictionEvent] = Field(description="since the event before, nearest first")
