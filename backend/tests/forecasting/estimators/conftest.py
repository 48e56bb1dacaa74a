"""Samples, and every model type in every task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from stock_mlops.forecasting.estimators import Estimator, available, params_model, registry
from stock_mlops.forecasting.estimators.base import Floats, Task, logistic
from threadpoolctl import threadpool_limits

# Enough to learn something, in milliseconds.
QUICK: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 10, "max_depth": 3, "min_samples_leaf": 20},
    "hist_gradient_boosting": {"max_iter": 30, "min_samples_leaf": 20},
    "lightgbm": {"n_estimators": 30, "min_data_in_leaf": 20},
    "mlp": {"hidden_layers": (8,), "epochs": 5, "learning_rate": 0.01},
}


class Case(NamedTuple):
    """A model type in one of its tasks."""

    model_type: str
    task: Task

    def __str__(self) -> str:
        return f"{self.model_type}-{self.task}"

    def new(self, seed: int = 1, horizon: int = 1, **params: Any) -> Estimator:
        if (reason := available(self.model_type)) is not None:
            pytest.skip(reason)  # says which optional extra is missing; the lock of the checks brings it
        checked = params_model(self.model_type)(**{**QUICK.get(self.model_type, {}), **params})
        return registry()[self.model_type](checked, seed, self.task, horizon)


CASES = [Case(name, task) for name, found in registry().items() for task in found.tasks]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the trainer runs them."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def sample(rows: int = 400, columns: int = 4) -> tuple[Floats, Floats]:
    """Features, and returns of which the first feature explains the half."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, columns))
    return x, 0.01 * x[:, 0] + rng.normal(0, 0.01, rows)


def probability_of_a_rise(x: Floats) -> Floats:
    """Of :func:`sample`'s returns, nearly."""
    return logistic(1.7 * x[:, 0])
