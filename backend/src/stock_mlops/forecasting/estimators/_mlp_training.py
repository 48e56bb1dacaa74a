"""How the multilayer perceptron learns: JAX for gradients, Optax for optimizers. Only training imports this.

Programs are compiled per shape, which costs as much as a fit does. So rows are padded to a power of two, and the
program takes how many of them count: the folds and horizons of a training share one or two programs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stock_mlops.forecasting.estimators.base import Floats, History, Positions
from stock_mlops.forecasting.estimators.mlp import MlpParams

Layers = list[tuple[jax.Array, jax.Array]]
"""Kernel (inputs, outputs) and bias (outputs,) of each layer."""

_ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "linear": lambda signal: signal,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "elu": jax.nn.elu,
}
_LOSSES: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "mse": lambda score, target: (score - target) ** 2,
    "mae": lambda score, target: jnp.abs(score - target),
    "huber": optax.losses.huber_loss,  # quadratic up to one standard deviation of the target
    "cross_entropy": optax.losses.sigmoid_binary_cross_entropy,
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Standardised inputs (rows, features), and targets (rows,) of unit variance or labels 0 and 1."""

    x: Floats
    y: Floats

    def take(self, rows: Positions) -> Sample:
        return Sample(self.x[rows], self.y[rows])

    def padded(self, size: int) -> tuple[jax.Array, jax.Array]:
        rows = size - len(self.y)
        x, y = np.pad(self.x, ((0, rows), (0, 0))), np.pad(self.y, (0, rows))
        return jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)


def train(
    params: MlpParams, loss: str, sample: Sample, validation: Sample | None, seed: int
) -> tuple[list[tuple[Floats, Floats]], History]:
    """Layers after the last epoch, or with ``validation`` after the best one on it, the start included."""
    program = _program(params, loss)
    rows = len(sample.y)
    size = _padded_size(max(rows, len(validation.y) if validation else 0))
    x, y = sample.padded(size)
    held_out = None if validation is None else (*validation.padded(size), len(validation.y))
    layers, state = program.start(seed, x, _start_score(sample, loss))
    best, best_epoch, best_loss = layers, 0, np.inf if held_out is None else float(program.loss(layers, *held_out))
    rng = np.random.default_rng(seed)
    train_loss, validation_loss, gradient_norm = [], [], []
    for epoch in range(1, params.epochs + 1):
        order = np.concatenate([rng.permutation(rows), np.arange(rows, size)])
        layers, state, norm = program.epoch(layers, state, x, y, order, rows, (seed, epoch))
        gradient_norm.append(float(norm))
        train_loss.append(float(program.loss(layers, x, y, rows)))
        if held_out is None:
            best = layers
            continue
        validation_loss.append(float(program.loss(layers, *held_out)))
        if validation_loss[-1] < best_loss:
            best, best_epoch, best_loss = layers, epoch, validation_loss[-1]
        elif params.patience is not None and epoch - best_epoch >= params.patience:
            break
    history = History(tuple(train_loss), tuple(validation_loss), tuple(gradient_norm))
    return [(np.asarray(kernel, np.float64), np.asarray(bias, np.float64)) for kernel, bias in best], history


def _start_score(sample: Sample, loss: str) -> float:
    """The last layer's bias before training: the logit of the base rate, or the mean of a standardised target."""
    share = float(sample.y.mean())
    return float(np.log(share / (1.0 - share))) if loss == "cross_entropy" and 0.0 < share < 1.0 else 0.0


def _padded_size(rows: int) -> int:
    """Powers of two from 2048, eight years of sessions: padding costs far less than another compilation."""
    return max(2048, 1 << (rows - 1).bit_length())


@dataclass(frozen=True, slots=True)
class _Program:
    """Compiled functions of one network, for all samples of one padded size."""

    start: Callable[..., tuple[Layers, Any]]
    """(seed, x, score) -> (layers, optimizer's state)"""
    epoch: Callable[..., tuple[Layers, Any, jax.Array]]
    """(layers, state, x, y, order, rows, (seed, epoch)) -> (layers, state, mean gradient norm)"""
    loss: Callable[..., jax.Array]
    """(layers, x, y, rows) -> mean loss over the first ``rows``"""


@lru_cache(maxsize=8)
def _program(params: MlpParams, loss: str) -> _Program:
    optimizer = _optimizer(params)

    @jax.jit
    def start(seed: int, x: jax.Array, score: float) -> tuple[Layers, Any]:
        layers = _initial_layers(params, jax.random.key(seed, impl="rbg"), x.shape[1], score)
        return layers, optimizer.init(layers)

    @jax.jit
    def mean_loss(layers: Layers, x: jax.Array, y: jax.Array, rows: int) -> jax.Array:
        losses = _LOSSES[loss](_forward(params, layers, x), y)
        return jnp.sum(jnp.where(jnp.arange(len(y)) < rows, losses, 0.0)) / rows

    def objective(layers: Layers, x: jax.Array, y: jax.Array, counts: jax.Array, key: jax.Array) -> jax.Array:
        losses = _LOSSES[loss](_forward(params, layers, x, key), y)
        penalty = sum(params.l1 * jnp.abs(kernel).sum() + params.l2 * (kernel**2).sum() for kernel, _ in layers)
        return jnp.sum(jnp.where(counts, losses, 0.0)) / jnp.sum(counts) + penalty

    @jax.jit
    def epoch(
        layers: Layers, state: Any, x: jax.Array, y: jax.Array, order: jax.Array, rows: int, number: tuple[int, int]
    ) -> tuple[Layers, Any, jax.Array]:
        key = jax.random.fold_in(jax.random.key(number[0], impl="rbg"), number[1])
        size = min(params.batch_size, len(y))
        batches = (rows + size - 1) // size

        def step(batch: jax.Array, carry: Any) -> Any:
            layers, state, norms = carry
            positions = batch * size + jnp.arange(size)
            taken = order[positions]  # beyond the array's end JAX repeats its last element, which does not count
            gradient = jax.grad(objective)(layers, x[taken], y[taken], positions < rows, jax.random.fold_in(key, batch))
            updates, state = optimizer.update(gradient, state, layers)
            return optax.apply_updates(layers, updates), state, norms + optax.tree.norm(gradient)

        layers, state, norms = jax.lax.fori_loop(0, batches, step, (layers, state, jnp.zeros(())))
        return layers, state, norms / batches

    return _Program(start, epoch, mean_loss)


def _initial_layers(params: MlpParams, key: jax.Array, features: int, score: float) -> Layers:
    """The hidden layers' kernels are drawn; the last one is zero, so that the first forecast is the mean (or the base
    rate) and not noise of the target's own size."""
    make = getattr(jax.nn.initializers, params.initialiser)()
    sizes = (features, *params.hidden_layers)
    hidden = zip(jax.random.split(key, len(sizes)), sizes, sizes[1:], strict=False)
    layers: Layers = [(make(own, (inputs, outputs)), jnp.zeros(outputs)) for own, inputs, outputs in hidden]
    return [*layers, (jnp.zeros((sizes[-1], 1)), jnp.full(1, score))]


def _forward(params: MlpParams, layers: Layers, x: jax.Array, key: jax.Array | None = None) -> jax.Array:
    """Scores (rows,); with ``key`` hidden units are left out, and the others raised, at random."""
    signal = x
    for number, (kernel, bias) in enumerate(layers[:-1]):
        signal = _ACTIVATIONS[params.activation](signal @ kernel + bias)
        if key is not None and params.dropout > 0:
            kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1.0 - params.dropout, signal.shape)
            signal = jnp.where(kept, signal / (1.0 - params.dropout), 0.0)
    kernel, bias = layers[-1]
    return (signal @ kernel + bias)[:, 0]


def _optimizer(params: MlpParams) -> optax.GradientTransformation:
    make = {
        "sgd": partial(optax.sgd, momentum=params.momentum or None),
        "adagrad": optax.adagrad,
        "adam": optax.adam,
    }[params.optimizer]
    step = make(params.learning_rate)
    return step if params.clip_norm is None else optax.chain(optax.clip_by_global_norm(params.clip_norm), step)
