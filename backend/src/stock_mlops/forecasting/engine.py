"""Inference engines: a fitted model in the form that answers fastest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from stock_mlops.forecasting.estimators import Estimator, registry
from stock_mlops.forecasting.estimators.base import Floats, LinearForm, Task, logistic
from stock_mlops.forecasting.estimators.sklearn_base import RAREST

# An engine may differ from the estimators it was made of by rounding only.
_TOLERANCE = 1e-12


class Engine(Protocol):
    """What the estimators of all horizons answer to raw features: log returns, or probabilities of a rise before
    calibration. Thread-safe once built."""

    kind: ClassVar[str]

    @property
    def horizon(self) -> int:
        """The longest horizon it knows."""
        ...

    def predict(self, x: Floats, horizons: Sequence[int]) -> Floats:
        """(rows, len(horizons)) for raw features ``x`` (rows, features)."""
        ...


class LinearEngine:
    """Scaler and regression folded into one coefficient vector per horizon; needs numpy only."""

    kind: ClassVar[str] = "linear"

    def __init__(self, coefficients: Floats, intercepts: Floats, *, logistic: bool) -> None:
        self._coefficients = coefficients  # (features, horizons)
        self._intercepts = intercepts  # (horizons,)
        self._logistic = logistic

    @classmethod
    def of(cls, forms: Sequence[LinearForm], task: Task) -> LinearEngine:
        return cls(
            np.column_stack([form.coefficients for form in forms]).astype(np.float64),
            np.array([form.intercept for form in forms], dtype=np.float64),
            logistic=task == "direction",
        )

    @property
    def horizon(self) -> int:
        return len(self._intercepts)

    def predict(self, x: Floats, horizons: Sequence[int]) -> Floats:
        columns = [horizon - 1 for horizon in horizons]
        # All horizons every time: BLAS rounds a product of another shape differently, and the forecast for a horizon
        # must not depend on which others were asked for.
        result: Floats = (x @ self._coefficients + self._intercepts)[:, columns]
        return logistic(result) if self._logistic else result

    def form(self, horizon: int) -> tuple[Floats, float]:
        """Coefficients (features,) and intercept of one horizon."""
        return self._coefficients[:, horizon - 1], float(self._intercepts[horizon - 1])

    def save(self, folder: Path) -> None:
        np.savez(folder / "linear.npz", coefficients=self._coefficients, intercepts=self._intercepts)

    @classmethod
    def load(cls, folder: Path, task: Task) -> LinearEngine:
        with np.load(folder / "linear.npz", allow_pickle=False) as arrays:
            return cls(arrays["coefficients"], arrays["intercepts"], logistic=task == "direction")


class EstimatorEngine:
    """The estimators themselves, one per horizon: the engine of every model without a faster form."""

    kind: ClassVar[str] = "estimator"

    def __init__(self, estimators: Sequence[Estimator]) -> None:
        self.estimators = list(estimators)

    @property
    def horizon(self) -> int:
        return len(self.estimators)

    def predict(self, x: Floats, horizons: Sequence[int]) -> Floats:
        return np.column_stack([self.estimators[horizon - 1].predict(x) for horizon in horizons])

    def save(self, folder: Path) -> None:
        for horizon, estimator in enumerate(self.estimators, start=1):
            estimator.save(folder / f"horizon-{horizon:02d}.skops")

    @classmethod
    def load(
        cls, folder: Path, model_type: str, params: Mapping[str, Any], seed: int, task: Task, horizon: int
    ) -> EstimatorEngine:
        make = registry()[model_type]
        checked = make.Params(**params)
        return cls(
            [
                make(checked, seed, task, step).load(folder / f"horizon-{step:02d}.skops")
                for step in range(1, horizon + 1)
            ]
        )


class TreeEngine:
    """Ensembles of trees walked by treelite: one row takes it a thousandth of scikit-learn's time."""

    kind: ClassVar[str] = "trees"

    def __init__(self, models: Sequence[Any], task: Task) -> None:
        from treelite import gtil

        self._models = list(models)
        self._direction = task == "direction"
        self._walk = gtil.predict

    @property
    def horizon(self) -> int:
        return len(self._models)

    def predict(self, x: Floats, horizons: Sequence[int]) -> Floats:
        rows = np.ascontiguousarray(x)
        outputs = [self._walk(self._models[horizon - 1], rows, nthread=1)[:, 0, -1] for horizon in horizons]
        result: Floats = np.column_stack(outputs)
        return np.clip(result, RAREST, 1.0 - RAREST) if self._direction else result


class EngineMismatchError(RuntimeError):
    """A folded engine does not reproduce its estimator: a bug, found before it could serve."""


def build_engine(estimators: Sequence[Estimator], sample: Floats) -> LinearEngine | EstimatorEngine:
    """What is saved of fitted ``estimators`` (horizon 1 first): one folded engine where they are linear, checked
    against them on ``sample`` rows, else themselves.

    Raises:
        EngineMismatchError: the engine's answers differ from the estimators' by more than rounding.
    """
    plain = EstimatorEngine(estimators)
    forms = [form for estimator in estimators if (form := estimator.linear_form()) is not None]
    if len(forms) < len(estimators):
        return plain
    engine = LinearEngine.of(forms, estimators[0].task)
    if (difference := _difference(engine, plain, sample)) > _TOLERANCE:
        raise EngineMismatchError(f"the folded engine differs from its estimators by {difference:g}")
    return engine


def serving_engine(plain: EstimatorEngine, sample: Floats) -> Engine:
    """The fastest engine for loaded estimators: trees where they have them and answer the same on ``sample`` rows, else
    the estimators themselves."""
    models = [model for estimator in plain.estimators if (model := estimator.tree_model()) is not None]
    if len(models) < len(plain.estimators):
        return plain
    engine = TreeEngine(models, plain.estimators[0].task)
    return engine if _difference(engine, plain, sample) <= _TOLERANCE else plain


def _difference(engine: Engine, plain: EstimatorEngine, sample: Floats) -> float:
    """Largest difference between two engines, as a share of the largest answer of each horizon."""
    horizons = range(1, plain.horizon + 1)
    expected = plain.predict(sample, horizons)
    largest = np.maximum(np.abs(expected).max(axis=0), np.finfo(np.float64).tiny)
    return float((np.abs(engine.predict(sample, horizons) - expected).max(axis=0) / largest).max())
