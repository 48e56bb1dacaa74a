"""What each feature contributed to one forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.engine import EstimatorEngine, LinearEngine
from stock_mlops.forecasting.estimators.base import Floats

Method = Literal["linear", "tree_shap", "occlusion"]
Scale = Literal["log_return", "log_odds", "probability"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Contributions on the scale of the model's own output."""

    method: Method
    """linear: coefficient times the distance from the training median. tree_shap: Shapley values of the trees (Lundberg
    et al. 2020). occlusion: how far the output moves when the feature alone is set to its training median (Zeiler and
    Fergus 2014)."""
    scale: Scale
    """Of base, output and contributions; a classifier's are log odds of a rise, or its probability, before
    calibration."""
    base: float
    """linear, occlusion: the output for the training medians; tree_shap: the mean over the training rows."""
    output: float
    contributions: tuple[float, ...]
    """In the order of the model's features."""
    additive: bool
    """Whether base and contributions sum to the output; occlusion leaves out what features do together."""


def explain(bundle: ForecastBundle, inputs: Floats, horizon: int) -> Explanation:
    """Explain the forecast ``horizon`` sessions ahead from ``inputs`` (features,). Takes up to some milliseconds."""
    engine = bundle.engine
    if isinstance(engine, LinearEngine):
        return _linear(bundle, engine, inputs, horizon)
    if isinstance(engine, EstimatorEngine):
        shapley = engine.estimators[horizon - 1].shapley_values(inputs[np.newaxis])
        if shapley is not None:
            return _shapley(bundle, shapley[0])
    return _occlusion(bundle, inputs, horizon)


def _linear(bundle: ForecastBundle, engine: LinearEngine, inputs: Floats, horizon: int) -> Explanation:
    coefficients, intercept = engine.form(horizon)
    medians = bundle.reference.medians
    base = float(medians @ coefficients + intercept)
    contributions = coefficients * (inputs - medians)
    return Explanation(
        "linear",
        "log_odds" if bundle.info.task == "direction" else "log_return",
        base,
        float(inputs @ coefficients + intercept),
        tuple(contributions.tolist()),
        additive=True,
    )


def _shapley(bundle: ForecastBundle, values: Floats) -> Explanation:
    """From (features + 1,), the base last."""
    return Explanation(
        "tree_shap",
        "log_odds" if bundle.info.task == "direction" else "log_return",
        float(values[-1]),
        float(values.sum()),
        tuple(values[:-1].tolist()),
        additive=True,
    )


def _occlusion(bundle: ForecastBundle, inputs: Floats, horizon: int) -> Explanation:
    medians = bundle.reference.medians
    rows = np.tile(inputs, (len(inputs), 1))
    np.fill_diagonal(rows, medians)
    outputs = bundle.engine.predict(np.vstack([inputs, medians, rows]), (horizon,))[:, 0]
    return Explanation(
        "occlusion",
        "probability" if bundle.info.task == "direction" else "log_return",
        float(outputs[1]),
        float(outputs[0]),
        tuple((outputs[0] - outputs[2:]).tolist()),
        additive=False,
    )
