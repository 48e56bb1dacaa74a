"""What a model was trained on, in numbers small enough to keep with it: to tell later inputs from those."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.intervals import quantiles

# Fine enough for the bins of a population stability index or a two-sample test of the distribution.
_PROBABILITIES = np.linspace(0.0, 1.0, 41)


@dataclass(frozen=True, slots=True)
class Reference:
    """Distributions of the training rows' features and of the model's forecasts for rows that it had not seen."""

    features: Floats
    """(features, 41): quantiles from the smallest value to the largest."""
    forecasts: Floats
    """(H, 41): quantiles of the forecast log returns."""

    @classmethod
    def of(cls, x: Floats, forecasts: list[Floats]) -> Reference:
        """From rows of features (n, features) and, per horizon, forecasts (m,)."""
        of_forecasts = [quantiles(values, _PROBABILITIES) for values in forecasts]
        return cls(quantiles(x, _PROBABILITIES).T, np.array(of_forecasts))

    @property
    def medians(self) -> Floats:
        """(features,), of the training rows."""
        return self.features[:, len(_PROBABILITIES) // 2]

    def outside(self, vector: Floats) -> list[int]:
        """Positions of the features of ``vector`` (features,) that lie beyond everything that was trained on."""
        beyond = (vector < self.features[:, 0]) | (vector > self.features[:, -1])
        return np.flatnonzero(beyond).tolist() if beyond.any() else []

    def outside_many(self, rows: Floats) -> list[list[int]]:
        """:meth:`outside` of each row of ``rows`` (rows, features)."""
        beyond = (rows < self.features[:, 0]) | (rows > self.features[:, -1])
        found: list[list[int]] = [[] for _ in rows]
        for row, position in np.argwhere(beyond).tolist():
            found[row].append(position)
        return found

    def sample(self, rows: int) -> Floats:
        """(rows, features): made-up inputs, each feature drawn from its own distribution; always the same ones."""
        rng = np.random.default_rng(0)
        drawn = rng.uniform(size=(rows, len(self.features)))
        columns = [np.interp(drawn[:, column], _PROBABILITIES, grid) for column, grid in enumerate(self.features)]
        return np.column_stack(columns)

    def save(self, file: Path) -> None:
        np.savez(file, features=self.features, forecasts=self.forecasts)

    @classmethod
    def load(cls, file: Path) -> Reference:
        with np.load(file, allow_pickle=False) as arrays:
            return cls(arrays["features"], arrays["forecasts"])
