"""A bundle as an MLflow model ("models from code"): this file is copied into the model and run by MLflow when it loads.

``mlflow.pyfunc.load_model("models:/stock-US-AAPL@champion").predict(frame)`` takes one column per feature and answers
one column per horizon: ``return_1`` .. ``return_H``, log returns from the row's close.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from stock_mlops.forecasting.bundle import ForecastBundle


class BundleModel(PythonModel):
    _bundle: ForecastBundle

    def load_context(self, context: Any) -> None:
        self._bundle = ForecastBundle.load(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        features = model_input[list(self._bundle.features)].to_numpy(dtype=float)
        names = [f"return_{horizon}" for horizon in range(1, self._bundle.horizon + 1)]
        return pd.DataFrame(self._bundle.predict_rows(features), columns=names, index=model_input.index)


mlflow.models.set_model(BundleModel())
