"""Logistic regression with an L2 penalty."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, Params, Positions, SearchSpace, Span
from stock_mlops.forecasting.estimators.linear_base import LinearEstimator, choose_penalty
from stock_mlops.forecasting.estimators.ridge import PENALTIES, ridge_path


class LogisticRegressionParams(Params):
    alpha: float | None = Field(
        None,
        gt=0,
        le=1e9,
        description="strength of the L2 penalty on standardised features (1 / C); null: chosen inside the training"
        " window",
    )


class LogisticRegression(LinearEstimator):
    """A rise's log odds are linear in the features.

    The penalty is chosen on least squares: near the base rate p, where daily forecasts stay, the logistic loss is a
    squared error with weight p (1 - p), and that path costs one decomposition where this one costs a fit per penalty.
    """

    name = "logistic_regression"
    title = "Logistic regression"
    rank = 6
    Params = LogisticRegressionParams
    tasks = ("direction",)
    search_space: ClassVar[SearchSpace] = {"alpha": Span(1.0, 1e6, log=True)}

    params: LogisticRegressionParams

    def prepare(self) -> None:
        self._build(1.0)

    def _build(self, alpha: float) -> Any:
        from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression

        return SklearnLogisticRegression(C=1.0 / alpha, solver="newton-cholesky", tol=1e-6)

    def _solve(self, z: Floats, target: Floats, t: Positions) -> tuple[Floats, float]:
        alpha = self.params.alpha
        if alpha is None:
            weight = float(target.var())
            scaled = (target - target.mean()) / np.sqrt(weight)
            alpha = choose_penalty(z, scaled, t, self.horizon, PENALTIES, ridge_path) * weight * len(z)
        fitted = self._build(alpha).fit(z, target)
        return fitted.coef_[0], float(fitted.intercept_[0])
