"""Random forest."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, Params, Positions
from stock_mlops.forecasting.estimators.sklearn_base import SklearnEstimator


class RandomForestParams(Params):
    n_estimators: int = Field(100, ge=1, le=2000, description="trees")
    max_depth: int | None = Field(5, ge=1, le=64, description="deepest tree; null: until the leaves are small")
    min_samples_leaf: int = Field(50, ge=1, le=10_000, description="fewest training rows in a leaf")
    max_features: float = Field(0.3, gt=0, le=1, description="share of the features tried at a split")


class RandomForest(SklearnEstimator):
    name = "random_forest"
    title = "Random forest"
    rank = 2
    Params = RandomForestParams
    trusted_types = ("sklearn.tree._tree.Tree",)

    params: RandomForestParams

    def build(self) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        # Each tree draws its seed before the threads start, so their number does not change the forest.
        return RandomForestRegressor(**self.params.model_dump(), random_state=self.seed, n_jobs=2)

    def fit(self, x: Floats, y: Floats, t: Positions | None = None) -> RandomForest:
        super().fit(x, y, t)
        self._model.n_jobs = 1  # one row at a time is predicted faster without threads
        return self
