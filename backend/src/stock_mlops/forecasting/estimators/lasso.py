"""Linear regression with an L1 penalty."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, Params, SearchSpace, Span
from stock_mlops.forecasting.estimators.linear_base import PenalisedRegression


def strongest_first(correlations: Floats, l1_ratio: float) -> Floats:
    """Penalties from the weakest that drops every feature down to a thirtieth of it; beyond, noise is all there is left
    to take in, at a price: coordinate descent crawls among collinear features."""
    strongest = float(np.abs(correlations).max()) / l1_ratio
    return (strongest or 1.0) * np.logspace(0.0, -1.5, 20)


def elastic_net_path(covariance: Floats, correlations: Floats, penalties: Floats, l1_ratio: float) -> Floats:
    """Coefficients (features, penalties) by coordinate descent (Friedman, Hastie and Tibshirani 2010).

    The solution depends on the data through its moments alone, so the path runs on as many made-up rows as there are
    features: rows that have these moments.
    """
    from sklearn.linear_model import enet_path

    variances, axes = np.linalg.eigh(covariance)
    kept = variances > 1e-10 * variances[-1]
    if not kept.any():  # nothing but constant features
        return np.zeros((len(correlations), len(penalties)))
    deviations, axes = np.sqrt(variances[kept]), axes[:, kept]
    size = np.sqrt(len(deviations))  # scikit-learn divides the squared error by the number of rows
    rows = size * deviations[:, np.newaxis] * axes.T
    target = size * (axes.T @ correlations) / deviations
    # Stop at a gap of 1e-5 of the target's variance (1); scikit-learn counts in shares of what the features explain.
    tolerance = 1e-5 * len(target) / float(target @ target or 1.0)
    _, coefficients, _ = enet_path(rows, target, l1_ratio=l1_ratio, alphas=penalties, tol=tolerance, max_iter=100_000)
    return np.asarray(coefficients, dtype=np.float64)


class LassoParams(Params):
    alpha: float | None = Field(
        None,
        gt=0,
        le=1e3,
        description="strength of the L1 penalty on standardised features and target: the correlation below which a"
        " lone feature is dropped; null: chosen inside the training window",
    )


class Lasso(PenalisedRegression):
    """The lasso (Tibshirani 1996): features that tell too little get no coefficient at all."""

    name = "lasso"
    title = "Lasso"
    rank = 4
    Params = LassoParams
    search_space: ClassVar[SearchSpace] = {"alpha": Span(1e-3, 0.3, log=True)}

    params: LassoParams

    def prepare(self) -> None:
        import sklearn.linear_model  # noqa: F401

    def _given(self, rows: int) -> float | None:  # noqa: ARG002  it is per row already
        return self.params.alpha

    def _candidates(self, correlations: Floats) -> Floats:
        return strongest_first(correlations, 1.0)

    def _path(self, covariance: Floats, correlations: Floats, penalties: Floats) -> Floats:
        return elastic_net_path(covariance, correlations, penalties, 1.0)
