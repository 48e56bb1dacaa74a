"""The mean of the training window."""

from __future__ import annotations

from stock_mlops.forecasting.estimators.base import Floats, Positions
from stock_mlops.forecasting.estimators.constant_base import ConstantEstimator


class Mean(ConstantEstimator):
    """The mean return of the training window; in the direction task the share of rises in it."""

    name = "mean"
    title = "Mean"
    rank = 2
    tasks = ("regression", "direction")

    def _constant_of(self, target: Floats, t: Positions) -> float:  # noqa: ARG002  all rows count alike
        return float(target.mean())
