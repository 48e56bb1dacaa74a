"""Linear regression with an L2 penalty."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, Params, SearchSpace, Span
from stock_mlops.forecasting.estimators.linear_base import PenalisedRegression

# From forecasts that hardly leave the mean to a fit that the penalty hardly touches: a principal component of variance
# v keeps v / (v + penalty) of its coefficient, and v is 1 on average over standardised features.
PENALTIES = np.logspace(4, -3, 29)


def ridge_path(covariance: Floats, correlations: Floats, penalties: Floats) -> Floats:
    """Ridge coefficients (features, penalties) for all ``penalties`` from one eigendecomposition (Hastie, Tibshirani
    and Friedman, The Elements of Statistical Learning, 2009, section 3.4.1)."""
    variances, axes = np.linalg.eigh(covariance)
    # Rounding makes the variances of collinear features slightly negative.
    shrunk = (axes.T @ correlations)[:, np.newaxis] / (np.maximum(variances, 0.0)[:, np.newaxis] + penalties)
    coefficients: Floats = axes @ shrunk
    return coefficients


class RidgeParams(Params):
    alpha: float | None = Field(
        None,
        gt=0,
        le=1e9,
        description="strength of the L2 penalty on standardised features, the Bayesian prior's variance ratio; null:"
        " chosen inside the training window",
    )


class Ridge(PenalisedRegression):
    """Ridge regression (Hoerl and Kennard 1970); of collinear features, as indicators are, it uses all a little."""

    name = "ridge"
    title = "Ridge regression"
    rank = 3
    Params = RidgeParams
    search_space: ClassVar[SearchSpace] = {"alpha": Span(1.0, 1e6, log=True)}

    params: RidgeParams

    def _given(self, rows: int) -> float | None:
        return None if self.params.alpha is None else self.params.alpha / rows

    def _candidates(self, correlations: Floats) -> Floats:  # noqa: ARG002  the same whatever they are
        return PENALTIES

    def _path(self, covariance: Floats, correlations: Floats, penalties: Floats) -> Floats:
        return ridge_path(covariance, correlations, penalties)
