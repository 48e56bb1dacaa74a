"""Histogram gradient boosting."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from stock_mlops.forecasting.estimators.base import Params
from stock_mlops.forecasting.estimators.sklearn_base import SklearnEstimator


class HistGradientBoostingParams(Params):
    max_iter: int = Field(100, ge=1, le=5000, description="trees")
    learning_rate: float = Field(0.03, gt=0, le=1, description="weight of each tree")
    max_leaf_nodes: int = Field(8, ge=2, le=1024, description="most leaves of a tree")
    min_samples_leaf: int = Field(50, ge=1, le=10_000, description="fewest training rows in a leaf")
    l2_regularization: float = Field(1.0, ge=0, le=1e6, description="L2 penalty on the leaves' values")


class HistGradientBoosting(SklearnEstimator):
    name = "hist_gradient_boosting"
    title = "Histogram gradient boosting"
    rank = 3
    Params = HistGradientBoostingParams
    trusted_types = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)

    params: HistGradientBoostingParams

    def build(self) -> Any:
        from sklearn.ensemble import HistGradientBoostingRegressor

        # scikit-learn's early stopping would hold out rows at random, which time series do not allow.
        return HistGradientBoostingRegressor(**self.params.model_dump(), early_stopping=False, random_state=self.seed)
