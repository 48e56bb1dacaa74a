"""The interface of a model type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]


class Params(BaseModel):
    """Parameters of a model type: every field with a default, bounds and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class LinearForm:
    """A fitted model that is ``x @ coefficients + intercept`` on the raw features."""

    coefficients: Floats
    intercept: float


class Estimator(ABC):
    """Forecasts the log return over one horizon from one row of features; the trainer makes one per horizon.

    Whatever is learned (scaling included) is learned in :meth:`fit`, so that it comes from the training window alone.
    Modules of estimators import heavy libraries inside methods: the registry is read by processes that train nothing.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """For people."""
    rank: ClassVar[int]
    """Where it stands among the offered model types: simpler ones first."""
    Params: ClassVar[type[BaseModel]] = Params

    def __init__(self, params: Any, seed: int) -> None:
        self.params = params
        self.seed = seed

    def prepare(self) -> None:  # noqa: B027  most need nothing
        """Import what :meth:`fit` needs: a limit on a library's threads takes hold only when it is loaded."""

    @abstractmethod
    def fit(self, x: Floats, y: Floats) -> Self:
        """Learn from ``x`` (rows, features), without NaN, and ``y`` (rows,), log returns."""

    @abstractmethod
    def predict(self, x: Floats) -> Floats:
        """Log returns (rows,) for ``x`` (rows, features)."""

    def linear_form(self) -> LinearForm | None:
        """The fitted model as coefficients on raw features when it is linear, which serves far faster; else None."""
        return None

    @abstractmethod
    def save(self, file: Path) -> None:
        """Write the fitted state to ``file`` without pickle."""

    @abstractmethod
    def load(self, file: Path) -> Self:
        """Take the fitted state that :meth:`save` wrote."""
