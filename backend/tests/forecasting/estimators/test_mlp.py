"""The multilayer perceptron: each option does what its name says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stock_mlops.forecasting.estimators import available
from stock_mlops.forecasting.estimators.base import Floats, UnusableModelError
from stock_mlops.forecasting.estimators.mlp import Mlp, MlpParams

from .conftest import Case, sample

if (reason := available("mlp")) is not None:
    # Says which optional extra is missing; the lock of the checks brings it.
    pytest.skip(reason, allow_module_level=True)

import jax.numpy as jnp
import optax
from stock_mlops.forecasting.estimators import _mlp_training as training

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "elu")
# One step over all rows, of a linear model: what comes out can be worked out by hand.
ONE_STEP = {
    "hidden_layers": (), "epochs": 1, "batch_size": 1000, "patience": None, "dropout": 0.0, "l2": 0.0,
    "optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.1, "clip_norm": None,
}  # fmt: skip


def trained(**params: Any) -> Mlp:
    x, y = sample()
    fitted = Case("mlp", "regression").new(**params).fit(x, y)
    assert isinstance(fitted, Mlp)
    return fitted


def standardised() -> tuple[Floats, Floats]:
    x, y = sample()
    return (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_is_served_by_the_network_that_was_trained(activation: str) -> None:
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(4, 6)), rng.normal(size=6)), (rng.normal(size=(6, 1)), rng.normal(size=1))]
    estimator = Mlp(MlpParams(hidden_layers=(6,), activation=activation), 1)
    estimator._layers, estimator._mean, estimator._scale = layers, np.zeros(4), np.ones(4)
    estimator._target_mean, estimator._target_scale = 0.0, 1.0
    x = rng.normal(0, 3, (50, 4))
    expected = training._forward(estimator.params, layers, jnp.asarray(x, jnp.float32))
    assert estimator.predict(x) == pytest.approx(np.asarray(expected), abs=1e-4)


@pytest.mark.parametrize(
    ("loss", "values"),
    [
        ("mse", [9.0, 0.25, 0.0]),
        ("mae", [3.0, 0.5, 0.0]),
        ("huber", [2.5, 0.125, 0.0]),
    ],
)
def test_losses_of_regression(loss: str, values: list[float]) -> None:
    found = training._LOSSES[loss](jnp.array([3.0, -0.5, 2.0]), jnp.array([0.0, 0.0, 2.0]))
    assert found.tolist() == pytest.approx(values)


def test_cross_entropy_is_that_of_the_logistic_function() -> None:
    found = training._LOSSES["cross_entropy"](jnp.array([2.0, -1.0]), jnp.array([1.0, 1.0]))
    assert found.tolist() == pytest.approx([np.log1p(np.exp(-2.0)), np.log1p(np.exp(1.0))], rel=1e-5)


@pytest.mark.parametrize(
    ("params", "steps"),
    [
        ({"optimizer": "sgd", "momentum": 0.0}, [-0.2, -0.2]),
        ({"optimizer": "sgd", "momentum": 0.5}, [-0.2, -0.3]),
        # AdaGrad divides by the root of the sum of squares so far (optax starts it at 0.1), Adam by a running mean.
        ({"optimizer": "adagrad"}, [-0.2 / np.sqrt(4.1), -0.2 / np.sqrt(8.1)]),
        ({"optimizer": "adam"}, [-0.1, -0.1]),
    ],
)
def test_optimizers_step_as_their_papers_say(params: dict[str, Any], steps: list[float]) -> None:
    optimizer = training._optimizer(MlpParams(learning_rate=0.1, clip_norm=None, **params))
    weights = jnp.array([0.0])
    state = optimizer.init(weights)
    for step in steps:
        update, state = optimizer.update(jnp.array([2.0]), state, weights)
        assert update.tolist() == pytest.approx([step], rel=1e-3)
        weights = optax.apply_updates(weights, update)


def test_a_long_gradient_is_shortened() -> None:
    optimizer = training._optimizer(MlpParams(optimizer="sgd", momentum=0.0, learning_rate=1.0, clip_norm=0.5))
    update, _ = optimizer.update(jnp.array([3.0, 4.0]), optimizer.init(jnp.zeros(2)))
    assert update.tolist() == pytest.approx([-0.3, -0.4])


def test_one_step_follows_the_gradient_whose_norm_is_logged() -> None:
    z, y = standardised()
    gradient = -2 * z.T @ y / len(y)
    fitted = trained(**ONE_STEP)
    (kernel, bias), history = fitted._layers[0], fitted.history
    assert kernel[:, 0] == pytest.approx(-0.1 * gradient, abs=1e-6)
    assert bias == pytest.approx([0.0], abs=1e-6)
    assert history is not None
    assert history.gradient_norm == pytest.approx([np.linalg.norm(gradient)], rel=1e-4)
    assert history.train_loss == pytest.approx([np.mean((y - z @ kernel[:, 0]) ** 2)], rel=1e-4)
    assert history.validation_loss == ()


def test_penalties_pull_weights_to_zero() -> None:
    free, l1, l2 = (
        np.abs(trained(**ONE_STEP | {"epochs": 20} | extra)._layers[0][0]) for extra in ({}, {"l1": 0.3}, {"l2": 0.5})
    )
    assert l2.sum() < 0.8 * free.sum()
    assert l1.sum() < 0.8 * free.sum()
    assert (l1[1:] < 0.04).all()  # the L1 penalty holds the features that tell nothing near zero


def test_initial_weights_have_the_variance_that_suits_the_activation() -> None:
    """He: 2 / inputs; Glorot: 2 / (inputs + outputs)."""
    for activation, variance in (("relu", 2 / 400), ("elu", 2 / 400), ("tanh", 2 / 600), ("linear", 2 / 600)):
        params = MlpParams(hidden_layers=(200,), activation=activation)
        (kernel, bias), (last, start) = training._initial_layers(params, training.jax.random.key(1), 400, 0.3)
        assert float(jnp.var(kernel)) == pytest.approx(variance, rel=0.05)
        assert not bias.any()
        assert not last.any()
        assert start.tolist() == pytest.approx([0.3])


def test_dropout_leaves_out_units_and_keeps_the_mean() -> None:
    params = MlpParams(hidden_layers=(2000,), activation="linear", dropout=0.5)
    layers = [(jnp.ones((1, 2000)), jnp.zeros(2000)), (jnp.ones((2000, 1)) / 2000, jnp.zeros(1))]
    one = jnp.ones((1, 1))
    noisy = [float(training._forward(params, layers, one, training.jax.random.key(seed))[0]) for seed in range(5)]
    assert len(set(noisy)) > 1
    assert noisy == pytest.approx([1.0] * 5, abs=0.1)
    assert float(training._forward(params, layers, one)[0]) == pytest.approx(1.0)


def test_the_best_epoch_on_the_newest_rows_is_kept() -> None:
    """Wild steps make it worse with every epoch; what is kept is the start, the mean."""
    fitted = trained(**ONE_STEP | {"learning_rate": 3.0, "epochs": 50, "patience": 4})
    _, y = sample()
    assert fitted.history is not None
    assert len(fitted.history.validation_loss) == 4
    assert fitted.predict(np.ones((1, 4))) == pytest.approx([y.mean()])


def test_rows_of_padding_do_not_count() -> None:
    few, many = (MlpParams(**ONE_STEP | {"batch_size": size}) for size in (400, 4096))
    x, y = sample()
    one, other = (Mlp(params, 1).fit(x, y).predict(x) for params in (few, many))
    assert one == pytest.approx(other, rel=1e-4)


@pytest.mark.parametrize(
    ("task", "loss"), [("regression", "cross_entropy"), ("direction", "mse"), ("direction", "mae")]
)
def test_cross_entropy_belongs_to_directions(task: Any, loss: Any) -> None:
    x, y = sample()
    with pytest.raises(UnusableModelError, match=f"params.loss: expected .* for the task {task}, got {loss}"):
        Mlp(MlpParams(loss=loss), 1, task).fit(x, y)


def test_serving_needs_neither_jax_nor_optax(tmp_path: Path) -> None:
    trained(**ONE_STEP).save(tmp_path / "model")
    script = f"""
import sys, numpy as np
from pathlib import Path
sys.modules["jax"] = sys.modules["optax"] = None  # an import of them fails
from stock_mlops.forecasting.estimators.mlp import Mlp, MlpParams
print(Mlp(MlpParams(hidden_layers=()), 1).load(Path({str(tmp_path / "model")!r})).predict(np.ones((1, 4))).tolist())
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip() == str(trained(**ONE_STEP).predict(np.ones((1, 4))).tolist())
