"""The random walk with drift."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, Params, Positions, SearchSpace, Span
from stock_mlops.forecasting.estimators.constant_base import ConstantEstimator


class DriftParams(Params):
    window: int = Field(252, ge=1, le=10_000, description="newest sessions whose mean return is carried on")


class Drift(ConstantEstimator):
    """Prices go on as they went lately: the mean return of the newest sessions (Hyndman and Athanasopoulos,
    Forecasting: Principles and Practice, 2021, section 5.2, over a window instead of the whole past)."""

    name = "drift"
    title = "Random walk with drift"
    rank = 1
    Params = DriftParams
    search_space: ClassVar[SearchSpace] = {"window": Span(20, 1000, log=True)}

    params: DriftParams

    def _constant_of(self, target: Floats, t: Positions) -> float:
        return float(target[t > t[-1] - self.params.window].mean())
