"""Trainings."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import (
    BodyModel,
    JobAccepted,
    JobState,
    JobStatus,
    Limit,
    PageCursor,
    RequestModel,
    ResponseModel,
)
from api.schemas.models import Metrics, Verdict


class TrainModelRequest(BodyModel):
    """Train an existing definition again."""

    model_id: UUID


class TrainAccepted(JobAccepted):
    model_id: UUID


class TrainResult(ResponseModel):
    model_id: UUID
    registered_name: str
    version: int
    run_id: str
    metrics: Metrics
    alias: Literal["champion", "challenger"] | None = Field(
        None, description="champion: it serves; challenger: the gate refused it; null: its model was deleted meanwhile"
    )
    verdict: Verdict | None = None


class FoldMetrics(ResponseModel):
    """A test window just after its forecasts were made."""

    horizon: int
    fold: int = Field(description="from 1")
    folds: int
    first: date
    last: date
    rmse: float | None = Field(description="null of a classifier, whose returns are read from all windows together")
    random_walk_rmse: float
    direction_accuracy: float | None
    auc: float | None


class TrainTask(JobStatus):
    model_id: UUID


class TrainStatus(TrainTask):
    folds: list[FoldMetrics] = Field(description="test windows so far, in the order in which they were forecast")
    result: TrainResult | None = None


class TrainPage(ResponseModel):
    items: list[TrainTask] = Field(description="newest first")
    next_cursor: str | None = Field(None, description="null on the last page")


class TrainQuery(RequestModel):
    state: list[JobState] = Field(default_factory=list, description="any of these; none: all")
    limit: Limit = 50
    cursor: PageCursor | None = None
