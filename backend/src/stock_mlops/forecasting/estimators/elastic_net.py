"""Linear regression with an L1 and an L2 penalty."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, Params, SearchSpace, Span
from stock_mlops.forecasting.estimators.lasso import elastic_net_path, strongest_first
from stock_mlops.forecasting.estimators.linear_base import PenalisedRegression


class ElasticNetParams(Params):
    alpha: float | None = Field(
        None,
        gt=0,
        le=1e3,
        description="strength of both penalties on standardised features and target; null: chosen inside the training"
        " window",
    )
    l1_ratio: float = Field(
        0.5, ge=0.01, le=1, description="share of the L1 penalty, which drops features; the rest is L2"
    )


class ElasticNet(PenalisedRegression):
    """The elastic net (Zou and Hastie 2005): drops features as the lasso does, and keeps or drops collinear ones
    together."""

    name = "elastic_net"
    title = "Elastic net"
    rank = 5
    Params = ElasticNetParams
    search_space: ClassVar[SearchSpace] = {"alpha": Span(1e-3, 0.5, log=True), "l1_ratio": Span(0.05, 1.0)}

    params: ElasticNetParams

    def _given(self, rows: int) -> float | None:  # noqa: ARG002  it is per row already
        return self.params.alpha

    def _candidates(self, correlations: Floats) -> Floats:
        return strongest_first(correlations, self.params.l1_ratio)

    def _path(self, covariance: Floats, correlations: Floats, penalties: Floats) -> Floats:
        return elastic_net_path(covariance, correlations, penalties, self.params.l1_ratio)
