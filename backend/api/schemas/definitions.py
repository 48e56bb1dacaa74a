"""Model definitions as requests give them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, WithJsonSchema, model_validator
from stock_mlops.forecasting.estimators import estimator_types
from stock_mlops.forecasting.estimators.base import Task
from stock_mlops.forecasting.splitter import Scheme

from api.schemas.common import BodyModel, Day, Exchange, SafeText, Ticker


def known_type(value: str) -> str:
    if value not in estimator_types():
        raise ValueError(f"expected one of {', '.join(estimator_types())}, got {value!r}")
    return value


ModelType = Annotated[str, Field(max_length=100), WithJsonSchema({"type": "string", "enum": list(estimator_types())})]
Name = Annotated[SafeText, Field(min_length=1, max_length=100)]
ParamValue = bool | int | float | SafeText | None


class ValidationRequest(BodyModel):
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


class SearchRequest(BodyModel):
    """A search for the model type's parameters, in the data before the first test window."""

    trials: Annotated[int, Field(ge=1, le=500, description="most combinations tried")] = 20
    timeout: Annotated[int, Field(ge=1, le=86_400, description="seconds after which no further one is tried")] = 600


class ModelRequest(BodyModel):
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
