"""Where a model's quality comes from: how it grows with the data, and which inputs it rests on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from stock_mlops.forecasting.dataset import Dataset
from stock_mlops.forecasting.direction import fit_readout
from stock_mlops.forecasting.estimators import Estimator
from stock_mlops.forecasting.estimators.base import Floats, Positions
from stock_mlops.forecasting.evaluation import MakeEstimator, rows_of, splits
from stock_mlops.forecasting.spec import ModelSpec

_SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
_REPEATS = 5
# Rows are shuffled copies of one test window; more of them at once only cost memory.
_IMPORTANCE_ROWS = 2000


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Errors on the training rows and on the newest test window, after training on the newest ``rows`` rows."""

    rows: int
    train_rmse: float
    validation_rmse: float


@dataclass(frozen=True, slots=True)
class Importance:
    """How much of a forecast's quality is lost when one feature is shuffled, in shares of the random walk's squared
    error; mean and standard deviation over the repetitions. Near zero or below: the model does not need it."""

    feature: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Of the shortest horizon, on the newest test window."""

    learning_curve: tuple[LearningPoint, ...]
    importance: tuple[Importance, ...]
    """The most important feature first."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "learning_curve": [asdict(point) for point in self.learning_curve],
            "importance": [asdict(item) for item in self.importance],
        }


def diagnose(spec: ModelSpec, dataset: Dataset, make: MakeEstimator) -> Diagnosis:
    """Fit on growing parts of the newest training window, and shuffle the inputs of the last of these models."""
    train, test = rows_of(dataset, 1, splits(spec, dataset, 1)[-1])
    curve = []
    for share in _SHARES:
        # The newest part: what is left out is what a shorter history would not have had.
        part = train[len(train) - max(2, int(len(train) * share)) :]
        model = _Fitted(spec, dataset, make(1), part)
        curve.append(LearningPoint(len(part), model.rmse(part), model.rmse(test)))
    return Diagnosis(tuple(curve), _permutation_importance(spec, dataset, model, test[-_IMPORTANCE_ROWS:]))


class _Fitted:
    """One fitted model that answers with log returns, whatever its task."""

    def __init__(self, spec: ModelSpec, dataset: Dataset, estimator: Estimator, train: Positions) -> None:
        self._dataset = dataset
        y = dataset.y[train, 0]
        self._estimator = estimator.fit(dataset.x[train], y, dataset.t[train])
        self._readout = fit_readout(np.empty(0), np.empty(0), y) if spec.task == "direction" else None

    def predict(self, x: Floats) -> Floats:
        raw = self._estimator.predict(x)
        return raw if self._readout is None else self._readout.expected_return(self._readout.probability(raw))

    def rmse(self, rows: Positions) -> float:
        return float(np.sqrt(np.mean((self._dataset.y[rows, 0] - self.predict(self._dataset.x[rows])) ** 2)))


def _permutation_importance(
    spec: ModelSpec, dataset: Dataset, model: _Fitted, rows: Positions
) -> tuple[Importance, ...]:
    """Breiman (2001), on rows that were not trained on."""
    x, y = dataset.x[rows], dataset.y[rows, 0]
    reference = float(np.mean(y**2)) or 1.0
    base = float(np.mean((y - model.predict(x)) ** 2))
    rng = np.random.default_rng(spec.seed)
    orders = [rng.permutation(len(rows)) for _ in range(_REPEATS)]
    found = []
    for column, name in enumerate(spec.features):
        shuffled = np.tile(x, (_REPEATS, 1))
        shuffled[:, column] = np.concatenate([x[order, column] for order in orders])
        errors = (np.tile(y, _REPEATS) - model.predict(shuffled)) ** 2
        lost = (errors.reshape(_REPEATS, -1).mean(axis=1) - base) / reference
        found.append(Importance(name, float(lost.mean()), float(lost.std())))
    return tuple(sorted(found, key=lambda item: -item.mean))
