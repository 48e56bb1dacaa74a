"""Linear models against scikit-learn's own, and their choice of a penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from stock_mlops.forecasting.estimators.base import Floats, LinearForm

from .conftest import Case, sample

CHOOSING = [
    Case("ridge", "regression"),
    Case("lasso", "regression"),
    Case("elastic_net", "regression"),
    Case("logistic_regression", "direction"),
]


def scaled(x: Floats) -> Floats:
    return x * np.array([1.0, 100.0, 0.01, 1.0]) + np.array([0.0, 5.0, 0.0, -3.0])


@pytest.mark.parametrize(
    ("model_type", "params", "reference"),
    [
        ("ridge", {"alpha": 25.0}, Ridge(alpha=25.0)),
        ("lasso", {"alpha": 0.05}, Lasso(alpha=0.05, tol=1e-9)),
        ("elastic_net", {"alpha": 0.1, "l1_ratio": 0.4}, ElasticNet(alpha=0.1, l1_ratio=0.4, tol=1e-9)),
    ],
)
def test_a_given_penalty_means_what_it_does_in_scikit_learn(
    model_type: str, params: dict[str, Any], reference: Any
) -> None:
    x, y = sample()
    x[:, 3] = x[:, 0] + 0.1 * x[:, 3]
    mean, deviation = y.mean(), y.std()
    expected = make_pipeline(StandardScaler(), reference).fit(scaled(x), (y - mean) / deviation).predict(scaled(x))
    predicted = Case(model_type, "regression").new(**params).fit(scaled(x), y).predict(scaled(x))
    assert (predicted - mean) / deviation == pytest.approx(expected, abs=5e-3 if model_type != "ridge" else 1e-9)


def test_a_given_penalty_of_the_logistic_regression_means_what_it_does_in_scikit_learn() -> None:
    x, y = sample()
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=1 / 30.0, tol=1e-8)).fit(scaled(x), y > 0)
    predicted = Case("logistic_regression", "direction").new(alpha=30.0).fit(scaled(x), y).predict(scaled(x))
    assert predicted == pytest.approx(reference.predict_proba(scaled(x))[:, 1], abs=1e-5)


def slopes(case: Case, x: Floats, y: Floats, **values: Any) -> Floats:
    form = case.new(**values).fit(x, y).linear_form()
    assert isinstance(form, LinearForm)
    return form.coefficients


@pytest.mark.parametrize("case", CHOOSING, ids=str)
def test_in_noise_next_to_nothing_is_believed(case: Case) -> None:
    """30 features that tell nothing: the least penalty would fit 30/1000 of the variance, a ratio of 0.17."""
    ratios = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(1000, 30)), rng.normal(0, 0.01, 1000)
        unit = 0.01 if case.task == "regression" else 2.0
        ratios.append(float(np.std(x @ slopes(case, x, y)) / unit))
    assert np.median(ratios) < 0.02


@pytest.mark.parametrize("case", CHOOSING, ids=str)
def test_a_true_signal_among_noise_is_kept(case: Case) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2000, 30))
    y = 0.003 * x[:, 0] + rng.normal(0, 0.01, 2000)
    found = slopes(case, x, y)
    # The logistic slope that goes with it is about 1.6 times the standardised one; a direction tells less than a
    # return, so that more of it is given away.
    true, least = (0.003, 0.75) if case.task == "regression" else (0.003 / 0.01 * 1.6, 0.5)
    assert least * true < found[0] < 1.1 * true
    assert np.abs(found[1:]).max() < 0.25 * found[0]


def test_the_lasso_drops_what_tells_nothing() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1500, 20))
    found = slopes(Case("lasso", "regression"), x, 0.004 * x[:, 5] + rng.normal(0, 0.01, 1500))
    assert found[5] > 0
    assert np.count_nonzero(found) < 6
