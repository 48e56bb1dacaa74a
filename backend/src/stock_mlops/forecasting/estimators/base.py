"""The interface of a model type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
Task = Literal["regression", "direction"]


class Params(BaseModel):
    """Parameters of a model type: every field with a default, bounds and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Span:
    """Values that a hyper-parameter search tries: from ``low`` to ``high``, whole numbers when both are."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Values that a hyper-parameter search tries: one of ``values``."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LinearForm:
    """A fitted model whose output is ``x @ coefficients + intercept`` on the raw features; of the direction task, the
    logistic function of that."""

    coefficients: Floats
    intercept: float


@dataclass(frozen=True, slots=True)
class History:
    """How an iterative fit went, one value per iteration (tree, epoch)."""

    train_loss: tuple[float, ...]
    validation_loss: tuple[float, ...] = ()
    """Empty when the fit held nothing out."""
    gradient_norm: tuple[float, ...] = ()
    """L2 norm over all weights, mean over the epoch's batches; near zero from the start means vanishing gradients."""


class Estimator(ABC):
    """Forecasts one horizon from one row of features; the trainer makes one per horizon.

    Whatever is learned (scaling included) is learned in :meth:`fit`, so that it comes from the training window alone.
    Modules of estimators import heavy libraries inside methods: the registry is read by processes that train nothing.
    The class follows scikit-learn's conventions (``fit``, ``predict``, ``get_params``), so that its tools take it.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """For people."""
    rank: ClassVar[int]
    """Where it stands among the offered model types: simpler ones first."""
    Params: ClassVar[type[BaseModel]] = Params
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    """What it can be trained for; the first is the default."""
    search_space: ClassVar[Mapping[str, Span | Choice]] = {}
    """Parameters worth searching, by name; empty when there is nothing to choose."""

    def __init__(self, params: Any, seed: int, task: Task = "regression", horizon: int = 1) -> None:
        self.params = params
        self.seed = seed
        self.task = task
        self.horizon = horizon

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002  scikit-learn's signature
        return {"params": self.params, "seed": self.seed, "task": self.task, "horizon": self.horizon}

    def set_params(self, **values: Any) -> Self:
        for name, value in values.items():
            setattr(self, name, value)
        return self

    def prepare(self) -> None:  # noqa: B027  most need nothing
        """Import what :meth:`fit` needs: a limit on a library's threads takes hold only when it is loaded."""

    @abstractmethod
    def fit(self, x: Floats, y: Floats, t: Positions | None = None) -> Self:
        """Learn from ``x`` (rows, features), without NaN, and ``y`` (rows,), log returns over the horizon.

        ``t`` (rows,), ascending, is each row's session, counted in sessions of the exchange; None: consecutive ones of
        one instrument. Who holds out a part of the rows takes the newest ones and leaves ``horizon`` sessions between.
        """

    @abstractmethod
    def predict(self, x: Floats) -> Floats:
        """For ``x`` (rows, features): log returns (rows,); in the direction task probabilities of a rise, before
        calibration."""

    @property
    def history(self) -> History | None:
        """How the last fit went; None when it was not iterative."""
        return None

    def linear_form(self) -> LinearForm | None:
        """The fitted model as coefficients on raw features when it is linear, which serves far faster; else None."""
        return None

    @abstractmethod
    def save(self, file: Path) -> None:
        """Write the fitted state to ``file`` without pickle."""

    @abstractmethod
    def load(self, file: Path) -> Self:
        """Take the fitted state that :meth:`save` wrote."""


def newest_held_out(t: Positions, horizon: int, share: float) -> tuple[Positions, Positions]:
    """Row numbers to fit on and to validate on: the newest ``share`` of the sessions is held out, and the ``horizon``
    sessions before them, whose labels reach into it, belong to neither."""
    sessions = np.unique(t)
    first_held_out = sessions[min(int(len(sessions) * (1 - share)), len(sessions) - 1)]
    return np.flatnonzero(t < first_held_out - horizon), np.flatnonzero(t >= first_held_out)
