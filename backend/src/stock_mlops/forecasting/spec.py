"""What a model is: plain, validated, hashable values. The same spec on the same data gives the same model."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from stock_mlops.errors import FieldError, InvalidRequestError
from stock_mlops.forecasting.estimators import estimator_types, params_model
from stock_mlops.instruments import Instrument

MAX_HORIZON = 60


class InvalidSpecError(InvalidRequestError):
    code = "invalid_model"
    title = "The model definition is not valid"


class Validation(BaseModel):
    """How a model is judged: walk-forward over the newest part of the history, oldest fold first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folds: int = Field(5, ge=2, le=50, description="test windows")
    scheme: Literal["expanding", "rolling"] = Field(
        "expanding", description="expanding trains on all that came before, rolling on a window of fixed length"
    )
    embargo: int = Field(
        5, ge=0, le=250, description="sessions left out between training and test, beside those that overlap"
    )


class ModelSpec(BaseModel):
    """A model definition.

    ``params`` holds the model type's parameters with its defaults filled in, and ``features`` the names in the order of
    the model's inputs, so that a later change of a default makes another spec instead of another meaning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    exchange: str = "US"
    ticker: str
    model_type: str = Field("ridge", description="name of an estimator")
    features: tuple[str, ...] = Field(
        (), description="names of features or groups of them; empty takes the default set"
    )
    horizon: int = Field(5, ge=1, le=MAX_HORIZON, description="longest horizon in sessions; all up to it are trained")
    start: date | None = Field(None, description="first session of the training data; null: all there is")
    end: date | None = Field(None, description="last session of the training data; null: all there is")
    seed: int = Field(7, ge=0, le=2**31 - 1)
    validation: Validation = Validation()
    params: dict[str, Any] = Field(default_factory=dict, description="parameters of the estimator")

    @field_validator("model_type")
    @classmethod
    def _known_model(cls, value: str) -> str:
        if value not in estimator_types():
            raise ValueError(_unknown("model type", value, estimator_types()))
        return value

    @field_validator("features")
    @classmethod
    def _known_features(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Imported here: the definitions are polars expressions, which serving has no use for.
        from stock_mlops.features import default_features, expand_features

        return expand_features(value) or default_features()

    @model_validator(mode="before")
    @classmethod
    def _fill_features(cls, data: Any) -> Any:
        """Run the features through their validator also when they are left out or null."""
        if isinstance(data, Mapping) and data.get("features") is None:
            return {**data, "features": ()}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> ModelSpec:
        Instrument(self.exchange, self.ticker)
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"start: expected a day before end ({self.end}), got {self.start}")
        try:
            checked = params_model(self.model_type)(**self.params)
        except ValidationError as error:
            raise ValueError("; ".join(_describe(item, prefix="params") for item in error.errors())) from None
        object.__setattr__(self, "params", checked.model_dump(mode="json"))
        return self

    @property
    def instrument(self) -> Instrument:
        return Instrument(self.exchange, self.ticker)

    @property
    def name(self) -> str:
        """For people: ``US:AAPL ridge h5``."""
        return f"{self.exchange}:{self.ticker} {self.model_type} h{self.horizon}"

    @property
    def spec_hash(self) -> str:
        """Equal for equal specs, whatever the order their values were written in."""
        text = orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()

    def __hash__(self) -> int:
        return hash(self.spec_hash)


def parse_spec(values: Mapping[str, Any]) -> ModelSpec:
    """A spec from plain values, as they come in a request or from a catalog row.

    Raises:
        InvalidSpecError: names every wrong field, what was expected and what came.
    """
    try:
        return ModelSpec.model_validate(dict(values))
    except ValidationError as error:
        problems = [_problem(item) for item in error.errors()]
        raise InvalidSpecError("; ".join(_describe(item) for item in error.errors()), errors=problems) from None


def _unknown(what: str, value: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(value, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known are {', '.join(known)}"
    return f"unknown {what} {value!r}{hint}"


def _message(item: ErrorDetails) -> str:
    return item["msg"].removeprefix("Value error, ")


def _describe(item: ErrorDetails, prefix: str = "") -> str:
    path = ".".join(str(part) for part in ((prefix, *item["loc"]) if prefix else item["loc"]))
    if item["type"] == "value_error" or not path:
        return f"{path}: {_message(item)}" if path else _message(item)
    if item["type"] == "missing":
        return f"{path}: a value is required"
    return f"{path}: {_message(item)}, got {item['input']!r}"


def _problem(item: ErrorDetails) -> FieldError:
    message = _message(item)
    path = ".".join(str(part) for part in item["loc"])
    # Checks across fields name their field at the head of the message.
    head, colon, rest = message.partition(": ")
    if not path and colon and " " not in head:
        path, message = head, rest
    return {"field": path, "message": message}
