"""The baseline that a model has to beat."""

from __future__ import annotations

from stock_mlops.forecasting.estimators.base import Floats, Positions
from stock_mlops.forecasting.estimators.constant_base import ConstantEstimator


class RandomWalk(ConstantEstimator):
    """The best guess of the next close is the last one: a return of zero."""

    name = "random_walk"
    title = "Random walk"
    rank = 0

    def _constant_of(self, target: Floats, t: Positions) -> float:  # noqa: ARG002  it learns nothing
        return 0.0
