"""The contract of every model type; a new one is covered by being found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from stock_mlops.forecasting.estimators import Estimator, estimator_types, params_model, registry
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As the trainer runs them."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(params=estimator_types())
def model_type(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def new(model_type: str, seed: int = 1) -> Estimator:
    return registry()[model_type](params_model(model_type)(), seed)


def sample(rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4))
    return x, 0.01 * x[:, 0] + rng.normal(0, 0.01, rows)


def test_it_is_named_as_it_is_found(model_type: str) -> None:
    found = registry()[model_type]
    assert found.name == model_type
    assert found.title
    assert issubclass(found, Estimator)


def test_predictions_are_one_finite_number_per_row(model_type: str) -> None:
    x, y = sample()
    predicted = new(model_type).fit(x, y).predict(x[:7])
    assert predicted.shape == (7,)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()


def test_the_same_seed_gives_the_same_numbers(model_type: str) -> None:
    x, y = sample()
    one, two = (new(model_type).fit(x, y).predict(x) for _ in range(2))
    assert np.array_equal(one, two)


def test_fitting_again_forgets_what_was_learned_before(model_type: str) -> None:
    x, y = sample()
    used = new(model_type).fit(x, -5 * y)
    assert np.array_equal(used.fit(x, y).predict(x), new(model_type).fit(x, y).predict(x))


def test_the_inputs_are_left_as_they_are(model_type: str) -> None:
    x, y = sample()
    x_before, y_before = x.copy(), y.copy()
    new(model_type).fit(x, y).predict(x)
    assert np.array_equal(x, x_before)
    assert np.array_equal(y, y_before)


def test_a_saved_model_answers_bit_for_bit_the_same(model_type: str, tmp_path: Path) -> None:
    x, y = sample()
    fitted = new(model_type).fit(x, y)
    fitted.save(tmp_path / "model")
    assert np.array_equal(new(model_type).load(tmp_path / "model").predict(x), fitted.predict(x))


def test_its_linear_form_when_it_has_one_is_the_model(model_type: str) -> None:
    x, y = sample()
    x = x * np.array([1.0, 100.0, 0.01, 1.0]) + np.array([0.0, 5.0, 0.0, -3.0])
    fitted = new(model_type).fit(x, y)
    form = fitted.linear_form()
    if form is not None:
        assert x @ form.coefficients + form.intercept == pytest.approx(fitted.predict(x), abs=1e-12)


def test_unknown_parameters_are_refused(model_type: str) -> None:
    with pytest.raises(ValueError, match="not permitted"):
        params_model(model_type)(unheard_of=1)


def test_a_constant_feature_does_no_harm(model_type: str) -> None:
    x, y = sample()
    x[:, 2] = 3.0
    assert np.isfinite(new(model_type).fit(x, y).predict(x)).all()
