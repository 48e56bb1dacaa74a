"""Random forest."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, Params, Positions, SearchSpace, Span
from stock_mlops.forecasting.estimators.sklearn_base import SklearnEstimator


class RandomForestParams(Params):
    n_estimators: int = Field(100, ge=1, le=2000, description="trees")
    max_depth: int | None = Field(5, ge=1, le=64, description="deepest tree; null: until the leaves are small")
    min_samples_leaf: int = Field(50, ge=1, le=10_000, description="fewest training rows in a leaf")
    max_features: float = Field(0.3, gt=0, le=1, description="share of the features tried at a split")


class RandomForest(SklearnEstimator):
    """The mean of deep trees, each on a bootstrap sample (Breiman 2001)."""

    name = "random_forest"
    title = "Random forest"
    rank = 7
    Params = RandomForestParams
    tasks = ("regression", "direction")
    trusted_types = ("sklearn.tree._tree.Tree",)
    search_space: ClassVar[SearchSpace] = {
        "max_depth": Span(2, 10),
        "min_samples_leaf": Span(10, 300, log=True),
        "max_features": Span(0.1, 1.0),
    }

    params: RandomForestParams

    def build(self) -> Any:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        make = RandomForestClassifier if self.task == "direction" else RandomForestRegressor
        # Each tree draws its seed before the threads start, so their number does not change the forest.
        return make(**self.params.model_dump(), random_state=self.seed, n_jobs=2)

    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:
        # scikit-learn 1.9 sets the warnings' filters in each of its threads and puts them back in any order, which may
        # leave none; the next forest then warns once per tree.
        with warnings.catch_warnings():
            super()._learn(x, target, t)
        self._model.n_jobs = 1  # one row at a time is predicted faster without threads
