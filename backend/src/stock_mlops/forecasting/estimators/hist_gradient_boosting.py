"""Histogram gradient boosting."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from stock_mlops.forecasting.estimators.base import Floats, History, Params, Positions, SearchSpace, Span
from stock_mlops.forecasting.estimators.early_stopping import best_iteration, held_out
from stock_mlops.forecasting.estimators.sklearn_base import SklearnEstimator


class HistGradientBoostingParams(Params):
    max_iter: int = Field(300, ge=1, le=5000, description="most trees")
    learning_rate: float = Field(0.05, gt=0, le=1, description="weight of each tree")
    max_leaf_nodes: int = Field(4, ge=2, le=1024, description="most leaves of a tree")
    min_samples_leaf: int = Field(50, ge=1, le=10_000, description="fewest training rows in a leaf")
    l2_regularization: float = Field(1.0, ge=0, le=1e6, description="L2 penalty on the leaves' values")
    max_features: float = Field(0.5, gt=0, le=1, description="share of the features tried at a split")
    patience: int | None = Field(
        25,
        ge=1,
        le=1000,
        description="trees without progress on the newest fifth of the training window after which to stop; the model"
        " is then fitted on all of it with the number of trees that did best; null: all trees",
    )


class HistGradientBoosting(SklearnEstimator):
    """Gradient boosting on binned features (Friedman 2001; scikit-learn's is modelled on LightGBM).

    With the number of trees that suits the newest rows it is fitted again on all rows: they are also the most like what
    comes next, and a number of trees carries over to a fifth more rows.
    """

    name = "hist_gradient_boosting"
    title = "Histogram gradient boosting"
    rank = 8
    Params = HistGradientBoostingParams
    tasks = ("regression", "direction")
    trusted_types = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
    search_space: ClassVar[SearchSpace] = {
        "learning_rate": Span(0.01, 0.2, log=True),
        "max_leaf_nodes": Span(2, 32, log=True),
        "min_samples_leaf": Span(10, 300, log=True),
        "max_features": Span(0.1, 1.0),
    }

    params: HistGradientBoostingParams
    _history: History | None = None

    def build(self) -> Any:
        return self._new(self.params.max_iter)

    def _new(self, trees: int, patience: int | None = None) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        make = HistGradientBoostingClassifier if self.task == "direction" else HistGradientBoostingRegressor
        values = self.params.model_dump(exclude={"max_iter", "patience"})
        stopping = (
            {"early_stopping": False} if patience is None else {"early_stopping": True, "n_iter_no_change": patience}
        )
        return make(**values, **stopping, max_iter=trees, tol=0.0, random_state=self.seed)

    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:
        self._history = None
        trees = self.params.max_iter if self.params.patience is None else self._stop(x, target, t, self.params.patience)
        self._model = self._new(trees).fit(x, target)

    def _stop(self, x: Floats, target: Floats, t: Positions, patience: int) -> int:
        """The number of trees to fit."""
        rows = held_out(t, self.horizon)
        if rows is None:
            return 1
        fitted, validated = rows
        # Given, because scikit-learn itself would hold out rows at random, which time series do not allow.
        model = self._new(self.params.max_iter, patience).fit(
            x[fitted], target[fitted], X_val=x[validated], y_val=target[validated]
        )
        # scikit-learn's scores are losses with a minus; the first are those of the mean, before any tree.
        self._history = History(
            train_loss=tuple((-model.train_score_[1:]).tolist()),
            validation_loss=tuple((-model.validation_score_[1:]).tolist()),
        )
        return best_iteration(self._history.validation_loss)

    @property
    def history(self) -> History | None:
        """Losses per tree of the fit that looked for the number of trees; None without."""
        return self._history
