"""Linear regression with an L2 penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from stock_mlops.forecasting.estimators.base import LinearForm, Params
from stock_mlops.forecasting.estimators.sklearn_base import SklearnEstimator


class RidgeParams(Params):
    # Seen as a Bayesian prior the penalty is the number of features over the R2 they may explain together; for daily
    # returns that is 40 features over 0.4 %.
    alpha: float = Field(10_000.0, gt=0, le=1e9, description="strength of the L2 penalty on standardised features")


class Ridge(SklearnEstimator):
    name = "ridge"
    title = "Ridge regression"
    rank = 1
    Params = RidgeParams

    params: RidgeParams

    def build(self) -> Any:
        from sklearn.linear_model import Ridge as SklearnRidge
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), SklearnRidge(alpha=self.params.alpha, solver="cholesky"))

    def linear_form(self) -> LinearForm:
        scaler, ridge = self._model[0], self._model[-1]
        coefficients = np.asarray(ridge.coef_ / scaler.scale_, dtype=np.float64)
        return LinearForm(coefficients, float(ridge.intercept_ - scaler.mean_ @ coefficients))
