"""Model definitions, their versions, and training them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema, model_validator
from stock_mlops.forecasting.estimators import estimator_types
from stock_mlops.forecasting.estimators.base import Task
from stock_mlops.forecasting.splitter import Scheme

from api.schemas.common import (
    Day,
    Exchange,
    JobAccepted,
    JobState,
    JobStatus,
    JsonObject,
    Limit,
    Offset,
    PageCursor,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
)

ModelType = Annotated[str, Field(max_length=100), WithJsonSchema({"type": "string", "enum": list(estimator_types())})]
Metrics = dict[str, object]
Name = Annotated[SafeText, Field(min_length=1, max_length=100)]
ParamValue = bool | int | float | SafeText | None


class ValidationRequest(RequestModel):
    """How the model is judged."""

    folds: Annotated[int, Field(ge=2, le=50)] = 5
    scheme: Annotated[
        Scheme,
        Field(
            description="walk-forward, expanding or over a rolling window; or purged_kfold, for short histories, which"
            " trains on both sides of a test window and has no backtest"
        ),
    ] = "expanding"
    embargo: Annotated[int, Field(ge=0, le=250, description="sessions left out between training and test")] = 5


class SearchRequest(RequestModel):
    """A search for the model type's parameters, in the data before the first test window."""

    trials: Annotated[int, Field(ge=1, le=500, description="most combinations tried")] = 20
    timeout: Annotated[int, Field(ge=1, le=86_400, description="seconds after which no further one is tried")] = 600


class ModelRequest(RequestModel):
    """A model definition, of one ticker or of a panel of tickers: the same one again gives the same model."""

    ticker: Ticker | None = Field(None, description="null for a panel")
    exchange: Exchange = "US"
    panel: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")] | None = Field(
        None, description="name of a panel: one model of all its tickers"
    )
    tickers: Annotated[list[Ticker], Field(max_length=2000)] = Field(
        default_factory=list, description="members of the panel"
    )
    model_type: ModelType = "ridge"
    task: Task | None = Field(None, description="null takes what the model type does first")
    horizon: Annotated[
        int, Field(ge=1, le=60, description="longest horizon, in sessions; all up to it are trained")
    ] = 5
    features: (
        Annotated[list[Annotated[SafeText, Field(max_length=100)]], Field(min_length=1, max_length=500)] | None
    ) = Field(None, description="names of features or of groups of them; null takes the default set")
    start: Day | None = Field(None, description="first session of the training data")
    end: Day | None = Field(None, description="last session of the training data")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 7
    validation: ValidationRequest | None = None
    params: dict[Name, ParamValue | list[ParamValue]] = Field(
        default_factory=dict, description="parameters of the estimator, e.g. alpha"
    )
    search: SearchRequest | None = Field(None, description="null takes the parameters as they are")

    @model_validator(mode="after")
    def _ordered(self) -> ModelRequest:
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"start: expected a day before end ({self.end}), got {self.start}")
        return self


class TrainModelRequest(RequestModel):
    """Train an existing definition again."""

    model_id: UUID


class TrainAccepted(JobAccepted):
    model_id: UUID


class GateCheck(ResponseModel):
    """One condition of the gate."""

    name: str
    passed: bool
    expected: str
    got: str
    numbers: dict[str, float]
    alarm: bool = Field(description="a fault of data or training rather than a weak model; bars a first version too")


class Verdict(ResponseModel):
    """Whether a version may serve in the champion's place, and why not."""

    passed: bool
    champion: int | None = Field(description="the version it was judged against; null: there was none")
    window: Literal["new_sessions", "out_of_fold", "none"] = Field(description="what both were compared on")
    sessions: int
    checks: list[GateCheck]


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


class ModelVersion(ResponseModel):
    registered_name: str
    version: int
    run_id: str
    alias: Literal["champion", "challenger"] | None = None
    horizon: int
    data_version: str
    feature_version: str
    trained_until: date
    metrics: Metrics
    verdict: Verdict | None = Field(None, description="of the gate; null: it was entered before there was one")
    created_at: datetime


class Model(ResponseModel):
    model_id: UUID
    name: str
    exchange: str
    ticker: str | None = Field(description="null of a panel")
    panel: str | None = None
    model_type: str
    registered_name: str
    spec: JsonObject
    created_at: datetime


class ModelDetail(Model):
    versions: list[ModelVersion] = Field(description="newest first")


class ModelPage(ResponseModel):
    items: list[Model]
    total: int


class ModelQuery(RequestModel):
    ticker: Ticker | None = None
    exchange: Exchange | None = None
    panel: Annotated[SafeText, Field(max_length=40)] | None = None
    model_type: ModelType | None = None
    limit: Limit = 50
    offset: Offset = 0


class MlflowModelVersion(ResponseModel):
    name: str
    version: int
    run_id: str
    aliases: list[str]
    created_at: datetime


class MlflowModels(ResponseModel):
    items: list[MlflowModelVersion]


class MlflowArtifact(ResponseModel):
    path: str
    is_dir: bool
    size: int | None = None


class MlflowRun(ResponseModel):
    """One model's newest version as MLflow holds it."""

    model_id: UUID
    registered_name: str
    version: int
    run_id: str
    status: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    artifacts: list[MlflowArtifact]
