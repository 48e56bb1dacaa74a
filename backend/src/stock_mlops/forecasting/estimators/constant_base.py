"""What the baselines share: one number for every row."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Self

import numpy as np

from stock_mlops.forecasting.estimators.base import Estimator, Floats, LinearForm, Positions


class ConstantEstimator(Estimator):
    """Forecasts the same whatever the features say: a subclass says what, from the returns alone."""

    _constant = 0.0
    _features = 0

    @abstractmethod
    def _constant_of(self, target: Floats, t: Positions) -> float:
        """The forecast; arguments as of :meth:`Estimator._learn`."""

    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:
        self._constant = self._constant_of(target, t)
        self._features = x.shape[1]

    def predict(self, x: Floats) -> Floats:
        return np.full(len(x), self._constant)

    def linear_form(self) -> LinearForm:
        intercept = self._constant
        if self.task == "direction":
            intercept = float(np.log(intercept / (1.0 - intercept)))
        return LinearForm(np.zeros(self._features), intercept)

    def save(self, file: Path) -> None:
        # repr of a float is exact.
        file.write_text(f"{self._features} {self._constant!r}")

    def load(self, file: Path) -> Self:
        features, constant = file.read_text().split()
        self._features, self._constant = int(features), float(constant)
        return self
