"""What a model is: plain, validated, hashable values. The same spec on the same data gives the same model."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails

from stock_mlops.errors import FieldError, InvalidRequestError, named_field, plain_values
from stock_mlops.forecasting.estimators import Estimator, available, estimator_types, registry
from stock_mlops.forecasting.estimators.base import Task
from stock_mlops.forecasting.splitter import Scheme
from stock_mlops.instruments import Instrument

MAX_HORIZON = 60
LONGEST_SEARCH = 86_400
"""Seconds."""


class InvalidSpecError(InvalidRequestError):
    code = "invalid_model"
    title = "The model definition is not valid"


class UnavailableModelError(InvalidRequestError):
    """The model type is known, and its library is not installed."""

    code = "model_type_unavailable"
    title = "The model type is not installed"


class Validation(BaseModel):
    """How a model is judged, on windows that its training does not see; oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folds: int = Field(5, ge=2, le=50, description="test windows")
    scheme: Scheme = Field(
        "expanding",
        description="expanding trains on all that came before, rolling on a window of fixed length, purged_kfold on"
        " both sides of the test window (for short histories; without a backtest, which would trade on the future)",
    )
    embargo: int = Field(
        5, ge=0, le=250, description="sessions left out between training and test, beside those that overlap"
    )


class Search(BaseModel):
    """A search for hyper-parameters, inside the training window of the first fold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(20, ge=1, le=500, description="most combinations tried")
    timeout: int = Field(600, ge=1, le=LONGEST_SEARCH, description="seconds after which no further one is tried")


class ModelSpec(BaseModel):
    """A model definition: of one ticker, or of a panel of tickers of one exchange.

    ``params`` holds the model type's parameters with its defaults filled in, and ``features`` the names in the order of
    the model's inputs, so that a later change of a default makes another spec instead of another meaning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    exchange: str = "US"
    panel: str | None = Field(None, pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", description="name of the panel")
    tickers: tuple[str, ...] = Field((), max_length=2000, description="members of the panel")
    ticker: str | None = Field(None, description="the ticker; null for a panel", validate_default=True)
    model_type: str = Field("ridge", description="name of an estimator")
    task: Task | None = Field(None, description="regression or direction; null: what the model type does first")
    features: tuple[str, ...] = Field(
        (), description="names of features or groups of them; empty takes the default set"
    )
    horizon: int = Field(5, ge=1, le=MAX_HORIZON, description="longest horizon in sessions; all up to it are trained")
    start: date | None = Field(None, description="first session of the training data; null: all there is")
    end: date | None = Field(None, description="last session of the training data; null: all there is")
    seed: int = Field(7, ge=0, le=2**31 - 1)
    validation: Validation = Validation()
    params: dict[str, Any] = Field(default_factory=dict, description="parameters of the estimator")
    search: Search | None = Field(None, description="null: the parameters are taken as they are")

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
        self._check_subject()
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"start: expected a day before end ({self.end}), got {self.start}")
        estimator = registry()[self.model_type]
        if self.task is None:
            object.__setattr__(self, "task", estimator.tasks[0])
        if self.search is not None:
            self._check_search(estimator)
        try:
            checked = estimator.Params(**self.params)
        except ValidationError as error:
            known = tuple(estimator.Params.model_fields)
            raise ValueError("; ".join(_describe_param(item, known) for item in error.errors())) from None
        if (problem := estimator.objection(checked, self.task or estimator.tasks[0])) is not None:
            raise ValueError(problem)
        object.__setattr__(self, "params", checked.model_dump(mode="json"))
        return self

    @field_validator("ticker")
    @classmethod
    def _ticker_or_panel(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "panel" in info.data and (value is None) == (info.data["panel"] is None):
            raise ValueError("expected a ticker, or the name of a panel with its tickers, and not both")
        return value

    def _check_subject(self) -> None:
        if self.panel is None and self.tickers:
            raise ValueError("tickers: only a panel has them; name it (panel), or give one ticker")
        if self.panel is not None and len(set(self.tickers)) < 2:
            raise ValueError(
                f"tickers: expected two or more different tickers for a panel, got {len(set(self.tickers))}"
            )
        # Order and repetition do not make another panel.
        object.__setattr__(self, "tickers", tuple(sorted(set(self.tickers))))
        _ = self.instruments  # each checks its exchange and ticker

    def _check_search(self, estimator: type[Estimator]) -> None:
        if not estimator.search_space:
            raise ValueError(f"search: {self.model_type} has no parameters to search for; leave it out")
        if self.validation.scheme == "purged_kfold":
            raise ValueError(
                "search: expected the scheme expanding or rolling: parameters are searched for in the data before the"
                " first test window, and purged_kfold has none"
            )

    def with_search(self, trials: int | None) -> ModelSpec:
        """The same model, of the best of ``trials`` combinations of parameters (None: as it is). Without a time limit
        that counts: how many are tried, and so the winner, would depend on the machine.

        Raises:
            InvalidSpecError: its model type has none to search for, or its validation leaves no data to search in.
        """
        if trials is None:
            return self
        search = {"trials": trials, "timeout": LONGEST_SEARCH}
        return parse_spec({**self.model_dump(mode="json"), "search": search})

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The tickers it is trained on."""
        return tuple(
            Instrument(self.exchange, ticker) for ticker in self.tickers or (self.ticker,) if ticker is not None
        )

    @property
    def subject(self) -> str:
        """What it forecasts, for people: ``US:AAPL`` or ``US panel tech``."""
        return f"{self.exchange}:{self.ticker}" if self.panel is None else f"{self.exchange} panel {self.panel}"

    @property
    def registered_model(self) -> str:
        """Name in the registry: ``stock-US-AAPL`` or ``stock-US-panel-tech``."""
        return f"stock-{self.exchange}-{self.ticker if self.panel is None else f'panel-{self.panel}'}"

    @property
    def name(self) -> str:
        """For people: ``US:AAPL ridge h5``."""
        task = "" if self.task == registry()[self.model_type].tasks[0] else f" {self.task}"
        return f"{self.subject} {self.model_type}{task} h{self.horizon}"

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


def check_available(spec: ModelSpec) -> None:
    """Raises :class:`UnavailableModelError`, which says what to install."""
    if (reason := available(spec.model_type)) is not None:
        raise UnavailableModelError(reason, errors=[{"field": "model_type", "message": reason}])


def _unknown(what: str, value: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(value, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known are {', '.join(known) or 'none'}"
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


def _describe_param(item: ErrorDetails, known: Collection[str]) -> str:
    if item["type"] == "extra_forbidden":
        return f"params.{item['loc'][0]}: {_unknown('parameter', str(item['loc'][0]), known)}"
    return _describe(item, prefix="params")


def _problem(item: ErrorDetails) -> FieldError:
    path, message = named_field(".".join(str(part) for part in item["loc"]), _message(item))
    return {"field": path, "message": message, "code": item["type"], "params": plain_values(item.get("ctx", {}))}
