"""What estimators made of a scikit-learn model share."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from threadpoolctl import threadpool_limits

from stock_mlops.forecasting.estimators.base import Estimator, Floats, Positions

# A tree's leaf may hold rises only; its logit has to stay finite.
RAREST = 1e-6


class SklearnEstimator(Estimator):
    """Any ensemble of trees of scikit-learn's, in the direction task a classifier: a subclass builds it."""

    trusted_types: ClassVar[tuple[str, ...]] = ()
    """Types beyond skops' own list that the saved model may hold; anything else in the file is refused.

    A tree's nodes are read without bounds checks, so trusting its type is trusting the artifact store: only workers may
    write to it.
    """

    _model: Any = None

    @abstractmethod
    def build(self) -> Any:
        """A new, unfitted model for the task."""

    def prepare(self) -> None:
        self.build()

    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:  # noqa: ARG002  all rows count alike
        self._model = self.build().fit(x, target)

    def predict(self, x: Floats) -> Floats:
        if self.task == "direction":
            rises: Floats = self._model.predict_proba(x)[:, 1]
            return np.clip(rises, RAREST, 1.0 - RAREST)
        predicted: Floats = np.asarray(self._model.predict(x), dtype=np.float64)
        return predicted

    def tree_model(self) -> Any | None:
        import treelite.sklearn

        return treelite.sklearn.import_model(self._model)

    def save(self, file: Path) -> None:
        from skops.io import dump

        dump(self._model, file)

    def load(self, file: Path) -> Self:
        from skops.io import load

        self._model = load(file, trusted=list(self.trusted_types))
        # For good: one row gains nothing from threads, and in a process that answers many requests at once threads that
        # wait for each other stall them all.
        threadpool_limits(limits=1)
        return self
