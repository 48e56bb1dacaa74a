"""Model definitions, their versions, and training them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema, model_validator
from stock_mlops.forecasting.estimators import estimator_types

from api.schemas.common import (
    Day,
    Exchange,
    JobAccepted,
    JobStatus,
    JsonObject,
    Limit,
    Offset,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
)

ModelType = Annotated[str, Field(max_length=100), WithJsonSchema({"type": "string", "enum": list(estimator_types())})]
Metrics = dict[str, object]
Name = Annotated[SafeText, Field(min_length=1, max_length=100)]


class ValidationRequest(RequestModel):
    """Walk-forward validation."""

    folds: Annotated[int, Field(ge=2, le=50)] = 5
    scheme: Literal["expanding", "rolling"] = "expanding"
    embargo: Annotated[int, Field(ge=0, le=250, description="sessions left out after each test window")] = 5


class ModelRequest(RequestModel):
    """A model definition: the same one again gives the same model."""

    ticker: Ticker
    exchange: Exchange = "US"
    model_type: ModelType = "ridge"
    horizon: Annotated[
        int, Field(ge=1, le=60, description="longest horizon, in sessions; all up to it are trained")
    ] = 5
    features: (
        Annotated[list[Annotated[SafeText, Field(max_length=100)]], Field(min_length=1, max_length=500)] | None
    ) = Field(None, description="feature names; null takes the default set")
    start: Day | None = Field(None, description="first session of the training data")
    end: Day | None = Field(None, description="last session of the training data")
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 7
    validation: ValidationRequest | None = None
    params: dict[Name, bool | int | float | SafeText | None] = Field(
        default_factory=dict, description="parameters of the estimator, e.g. alpha"
    )

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


class TrainResult(ResponseModel):
    model_id: UUID
    registered_name: str
    version: int
    run_id: str
    metrics: Metrics


class TrainStatus(JobStatus):
    result: TrainResult | None = None


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
    created_at: datetime


class Model(ResponseModel):
    model_id: UUID
    name: str
    exchange: str
    ticker: str
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
