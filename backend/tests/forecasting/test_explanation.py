from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.explanation import explain
from stock_mlops.forecasting.trainer import train

from .conftest import FEATURES, MakeFrame, MakeSpec

X = np.array([0.03, -0.3, 55.0])


def loaded(make_frame: MakeFrame, make_spec: MakeSpec, folder: Path, model_type: str, task: str) -> ForecastBundle:
    params = {"lightgbm": {"n_estimators": 20}, "random_forest": {"n_estimators": 10}}.get(model_type, {})
    spec = make_spec(model_type=model_type, task=task, params=params)
    train(spec, make_frame(700, phi=0.4), data_version="d", feature_version="f").bundle.save(folder)
    return ForecastBundle.load(folder)


@pytest.mark.parametrize(
    ("model_type", "task", "method"),
    [
        ("ridge", "regression", "linear"),
        ("logistic_regression", "direction", "linear"),
        ("lightgbm", "regression", "tree_shap"),
        ("lightgbm", "direction", "tree_shap"),
    ],
)
def test_additive_contributions_sum_to_what_the_model_answers_less_its_base(
    make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path, model_type: str, task: str, method: str
) -> None:
    bundle = loaded(make_frame, make_spec, tmp_path, model_type, task)
    for horizon in (1, 2):
        found = explain(bundle, X, horizon)
        assert (found.method, found.additive, len(found.contributions)) == (method, True, len(FEATURES))
        assert found.base + sum(found.contributions) == pytest.approx(found.output, abs=1e-12)
        answer = bundle.engine.predict(X[np.newaxis], (horizon,))[0, 0]
        if task == "regression":
            assert found.scale == "log_return"
            assert found.output == pytest.approx(bundle.predict(X, horizon).predicted_return, abs=1e-12)
        else:
            assert found.scale == "log_odds"
            assert 1 / (1 + np.exp(-found.output)) == pytest.approx(answer, abs=1e-9)


def test_at_the_training_medians_nothing_contributes_to_a_linear_model(
    make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path
) -> None:
    bundle = loaded(make_frame, make_spec, tmp_path, "ridge", "regression")
    found = explain(bundle, bundle.reference.medians, 1)
    assert found.contributions == pytest.approx([0.0] * len(FEATURES), abs=1e-15)
    assert found.base == pytest.approx(found.output)


@pytest.mark.parametrize(("task", "scale"), [("regression", "log_return"), ("direction", "probability")])
def test_other_models_are_explained_by_what_changes_when_a_feature_is_hidden(
    make_frame: MakeFrame, make_spec: MakeSpec, tmp_path: Path, task: str, scale: str
) -> None:
    bundle = loaded(make_frame, make_spec, tmp_path, "random_forest", task)
    found = explain(bundle, X, 2)
    assert (found.method, found.scale, found.additive) == ("occlusion", scale, False)
    for position, contribution in enumerate(found.contributions):
        hidden = X.copy()
        hidden[position] = bundle.reference.medians[position]
        without = bundle.engine.predict(hidden[np.newaxis], (2,))[0, 0]
        assert contribution == pytest.approx(found.output - without, abs=1e-15)
    assert any(found.contributions)
