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

from stock_mlops.errors import InvalidRequestError

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
Task = Literal["regression", "direction"]


class UnusableModelError(InvalidRequestError):
    """The model type cannot be used as it is asked for: its task, its parameters, or a library that is missing."""

    code = "unusable_model"
    title = "The model type cannot be used so"


class UnusableSampleError(InvalidRequestError):
    """The rows cannot be learned from."""

    code = "untrainable_data"
    title = "The data cannot be trained on"


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


SearchSpace = Mapping[str, Span | Choice]


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

    Who chooses something inside the training window (a penalty, a number of trees or epochs) and has too few rows to
    validate the choice takes the most restrained one: what cannot be validated is not believed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """For people."""
    rank: ClassVar[int]
    """Where it stands among the offered model types: simpler ones first."""
    Params: ClassVar[type[BaseModel]] = Params
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    """What it can be trained for; the first is the default."""
    search_space: ClassVar[SearchSpace] = {}
    """Parameters worth searching, by name; empty when there is nothing to choose."""
    extra: ClassVar[str] = ""
    """The optional extra of this package that training needs; empty: none."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Modules that the extra brings."""

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

    @classmethod
    def objection(cls, params: Any, task: Task) -> str | None:  # noqa: ARG003  for types whose parameters depend on it
        """Why the type cannot be trained so, as ``field: expected ..., got ...``; None when it can."""
        return None if task in cls.tasks else f"task: {cls.name} does {' and '.join(cls.tasks)}, got {task}"

    def fit(self, x: Floats, y: Floats, t: Positions | None = None) -> Self:
        """Learn from ``x`` (rows, features) and ``y`` (rows,), log returns over the horizon, both finite.

        In the direction task a return above zero is a rise and one below a fall; rows of exactly zero are left out.
        ``t`` (rows,), ascending, is each row's session, counted in sessions of the exchange; None: consecutive ones of
        one instrument. Who holds out a part of the rows takes the newest ones and leaves ``horizon`` sessions between.

        Raises:
            UnusableModelError: see :meth:`objection`.
            UnusableSampleError: a value that is not finite, fewer than two rows, or only rises, or only falls.
        """
        if (problem := self.objection(self.params, self.task)) is not None:
            raise UnusableModelError(problem)
        t = np.arange(len(y)) if t is None else t
        self._check_sample(x, y, t)
        if self.task == "direction":
            moved = y != 0
            x, y, t = x[moved], (y[moved] > 0).astype(np.float64), t[moved]
            if len(y) < 2 or y.min() == y.max():
                raise UnusableSampleError(
                    f"{self.name}: expected rises and falls among the {len(moved)} returns to train on, got"
                    f" {int(y.sum())} rises and {len(y) - int(y.sum())} falls; load a longer history"
                )
        self._learn(x, y, t)
        return self

    def _check_sample(self, x: Floats, y: Floats, t: Positions) -> None:
        if x.ndim != 2 or y.shape != (len(x),) or t.shape != (len(x),):
            raise UnusableSampleError(
                f"{self.name}: expected (rows, features) with a target and a session per row, got the shapes {x.shape},"
                f" {y.shape} and {t.shape}"
            )
        if len(y) < 2:
            raise UnusableSampleError(f"{self.name}: expected two rows or more to train on, got {len(y)}")
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            wrong = np.flatnonzero(~(np.isfinite(x).all(axis=1) & np.isfinite(y)))
            raise UnusableSampleError(
                f"{self.name}: expected finite features and returns, got {len(wrong)} of {len(y)} rows that are not,"
                f" the first at position {wrong[0]}; leave them out"
            )
        if (np.diff(t) < 0).any():
            raise UnusableSampleError(f"{self.name}: expected rows in the order of their sessions; sort them")

    @abstractmethod
    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:
        """Fit to a sample that :meth:`fit` has checked; ``target`` (rows,) holds log returns, in the direction task
        1 for a rise and 0 for a fall."""

    @abstractmethod
    def predict(self, x: Floats) -> Floats:
        """For ``x`` (rows, features): log returns (rows,); in the direction task probabilities of a rise, before
        calibration. ``x`` is taken to be finite, as whoever made the rows has checked. Thread-safe."""

    @property
    def history(self) -> History | None:
        """How the last fit went; None when it was not iterative."""
        return None

    def linear_form(self) -> LinearForm | None:
        """The fitted model as coefficients on raw features when it is linear, which serves far faster; else None."""
        return None

    def tree_model(self) -> Any | None:
        """The fitted model as a treelite model, when it is an ensemble of trees whose own library is slow with one row;
        else None. Its last output is what :meth:`predict` answers, but for rounding."""
        return None

    def shapley_values(self, x: Floats) -> Floats | None:  # noqa: ARG002  most cannot
        """(rows, features + 1): what each feature of ``x`` (rows, features) adds to the base, which stands last, so
        that a row sums to the answer (of the direction task: to its log odds); None when the model type has no exact
        way to them."""
        return None

    @abstractmethod
    def save(self, file: Path) -> None:
        """Write the fitted state to ``file`` without pickle."""

    @abstractmethod
    def load(self, file: Path) -> Self:
        """Take the fitted state that :meth:`save` wrote."""

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn's model selection asks of an estimator; in both tasks the target is a return."""
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True),
            regressor_tags=RegressorTags(),
            input_tags=InputTags(),
        )


def location_and_scale(x: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (features,) to standardise by; infinite for a constant column, which then is zero."""
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    # What varies less than this share of its size does so by rounding.
    return mean, np.where(deviation > 1e-12 * np.abs(mean), deviation, np.inf)


def logistic(score: Floats) -> Floats:
    """1 / (1 + exp(-score)), elementwise, in a form that does not overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * score))


def newest_held_out(t: Positions, horizon: int, share: float) -> tuple[Positions, Positions]:
    """Row numbers to fit on and to validate on: the newest ``share`` of the sessions is held out, and the ``horizon``
    sessions before them, whose labels reach into it, belong to neither."""
    sessions = np.unique(t)
    first_held_out = sessions[min(int(len(sessions) * (1 - share)), len(sessions) - 1)]
    return np.flatnonzero(t < first_held_out - horizon), np.flatnonzero(t >= first_held_out)
