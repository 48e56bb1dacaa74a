"""Predictions: one now, their history, and paths of several days."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from stock_kit.events import PredictionEvent

from api.schemas.common import (
    Day,
    Exchange,
    JobAccepted,
    JobStatus,
    Limit,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
)

Horizon = Annotated[int, Field(ge=1, le=250, description="sessions ahead")]


class PredictRequest(RequestModel):
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


class PredictionPage(ResponseModel):
    items: list[Prediction]
    next_cursor: str | None = Field(None, description="cursor of the next, older page; null on the last")


class PredictionQuery(RequestModel):
    ticker: Ticker | None = None
    exchange: Exchange | None = None
    model: Annotated[SafeText, Field(max_length=200)] | None = Field(
        None, description="registered model, e.g. stock-US-AAPL, or random_walk"
    )
    origin: Literal["api", "job", "replay"] | None = Field(None, description="who asked for it")
    start: Day | None = Field(None, description="first target session")
    end: Day | None = Field(None, description="last target session")
    limit: Limit = 50
    cursor: Annotated[str, Field(max_length=200)] | None = Field(None, description="next_cursor of the page before")


class AccuracyQuery(RequestModel):
    ticker: Ticker | None = None
    exchange: Exchange | None = None
    model: Annotated[SafeText, Field(max_length=200)] | None = Field(
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


class FutureRequest(RequestModel):
    ticker: Ticker
    exchange: Exchange = "US"
    days: Annotated[int, Field(ge=1, le=250, description="sessions ahead, one prediction each")]


class FutureAccepted(JobAccepted):
    partial_status_url: str


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
