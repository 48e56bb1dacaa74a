"""The baseline that a model has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from stock_mlops.forecasting.estimators.base import Estimator, Floats, LinearForm, Positions


class RandomWalk(Estimator):
    """The best guess of the next close is the last one: a return of zero, whatever the features say."""

    name = "random_walk"
    title = "Random walk"
    rank = 0

    _features = 0

    def fit(self, x: Floats, y: Floats, t: Positions | None = None) -> Self:  # noqa: ARG002  it learns nothing
        self._features = x.shape[1]
        return self

    def predict(self, x: Floats) -> Floats:
        return np.zeros(len(x))

    def linear_form(self) -> LinearForm:
        return LinearForm(np.zeros(self._features), 0.0)

    def save(self, file: Path) -> None:
        file.write_text(str(self._features))

    def load(self, file: Path) -> Self:
        self._features = int(file.read_text())
        return self
