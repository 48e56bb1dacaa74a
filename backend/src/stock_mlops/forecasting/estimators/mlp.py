"""Multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from stock_mlops.forecasting.estimators.base import (
    Choice,
    Estimator,
    Floats,
    History,
    Params,
    Positions,
    SearchSpace,
    Span,
    Task,
    location_and_scale,
    logistic,
)
from stock_mlops.forecasting.estimators.early_stopping import held_out

Activation = Literal["linear", "relu", "tanh", "sigmoid", "elu"]


class MlpParams(Params):
    hidden_layers: tuple[int, ...] = Field(
        (32, 16), max_length=8, strict=False, description="units of each hidden layer; none: a linear model"
    )
    activation: Activation = Field("relu", description="of the hidden layers")
    loss: Literal["mse", "mae", "huber", "cross_entropy"] | None = Field(
        None, description="cross_entropy for the task direction, one of the others for regression; null: by task"
    )
    optimizer: Literal["sgd", "adagrad", "adam"] = Field("adam", description="how weights follow the gradient")
    learning_rate: float = Field(0.001, gt=0, le=10, description="step of the optimizer")
    momentum: float = Field(0.9, ge=0, lt=1, description="share of the last step that sgd keeps")
    epochs: int = Field(100, ge=1, le=10_000, description="most passes over the training window")
    batch_size: int = Field(64, ge=1, le=100_000, description="rows per step")
    l1: float = Field(0.0, ge=0, le=100, description="L1 penalty on the weights")
    l2: float = Field(0.01, ge=0, le=100, description="L2 penalty on the weights")
    dropout: float = Field(0.2, ge=0, lt=1, description="share of the hidden units left out of a step")
    patience: int | None = Field(
        10,
        ge=1,
        le=10_000,
        description="epochs without progress on the newest fifth of the training window after which to stop; the"
        " weights of the best epoch are kept; null: all epochs, on the whole window",
    )
    initialisation: Literal["he_normal", "he_uniform", "glorot_normal", "glorot_uniform"] | None = Field(
        None, description="of the hidden layers' weights; null: he_normal for relu and elu, else glorot_uniform"
    )
    clip_norm: float | None = Field(
        1.0, gt=0, le=1e6, description="longest gradient, over all weights; longer ones are shortened; null: any"
    )

    def loss_of(self, task: Task) -> str:
        return self.loss or ("cross_entropy" if task == "direction" else "mse")

    @property
    def initialiser(self) -> str:
        """He et al. (2015) keep the variance through layers that cut half of it off, Glorot and Bengio (2010) through
        symmetric ones."""
        return self.initialisation or ("he_normal" if self.activation in ("relu", "elu") else "glorot_uniform")


class Mlp(Estimator):
    """A feed-forward network on standardised inputs, of a target of unit variance.

    Trained by JAX (the optional extra ``mlp``), served by numpy alone. Its forecast starts as the mean of the training
    window and leaves it as far as the newest rows bear out (see ``_mlp_training``).
    """

    name = "mlp"
    title = "Multilayer perceptron"
    rank = 10
    Params = MlpParams
    tasks = ("regression", "direction")
    search_space: ClassVar[SearchSpace] = {
        "hidden_layers": Choice(((), (16,), (32,), (32, 16), (64, 32))),
        "activation": Choice(("relu", "tanh", "elu")),
        "learning_rate": Span(1e-4, 1e-2, log=True),
        "l2": Span(1e-5, 1e-1, log=True),
        "dropout": Span(0.0, 0.5),
    }
    extra = "mlp"
    needs = ("jax", "optax")

    params: MlpParams
    _history: History | None = None

    @classmethod
    def objection(cls, params: MlpParams, task: Task) -> str | None:
        if params.loss is not None and (params.loss == "cross_entropy") != (task == "direction"):
            expected = "cross_entropy" if task == "direction" else "mse, mae or huber"
            return f"params.loss: expected {expected} for the task {task}, got {params.loss}; or leave it out"
        return super().objection(params, task)

    def prepare(self) -> None:
        import stock_mlops.forecasting.estimators._mlp_training  # noqa: F401

    def _learn(self, x: Floats, target: Floats, t: Positions) -> None:
        from stock_mlops.forecasting.estimators._mlp_training import Sample, train

        self._mean, self._scale = location_and_scale(x)
        self._target_mean, self._target_scale = 0.0, 1.0
        if self.task == "regression":
            self._target_mean, self._target_scale = float(target.mean()), float(target.std()) or 1.0
        sample = Sample((x - self._mean) / self._scale, (target - self._target_mean) / self._target_scale)
        fitted, validation, params = sample, None, self.params
        if params.patience is not None:
            if (rows := held_out(t, self.horizon)) is not None:
                fitted, validation = sample.take(rows[0]), sample.take(rows[1])
            else:
                params = params.model_copy(update={"epochs": 0})
        self._layers, self._history = train(params, params.loss_of(self.task), fitted, validation, self.seed)

    def predict(self, x: Floats) -> Floats:
        signal = (x - self._mean) / self._scale
        for kernel, bias in self._layers[:-1]:
            signal = _ACTIVATIONS[self.params.activation](signal @ kernel + bias)
        kernel, bias = self._layers[-1]
        score: Floats = (signal @ kernel + bias)[:, 0]
        return logistic(score) if self.task == "direction" else self._target_mean + self._target_scale * score

    @property
    def history(self) -> History | None:
        """Losses per epoch, of the scaled target and without penalties."""
        return self._history

    def save(self, file: Path) -> None:
        arrays: dict[str, Any] = {"mean": self._mean, "scale": self._scale}
        arrays["target"] = np.array([self._target_mean, self._target_scale])
        for number, (kernel, bias) in enumerate(self._layers):
            arrays[f"kernel_{number}"], arrays[f"bias_{number}"] = kernel, bias
        with file.open("wb") as out:
            np.savez(out, **arrays)

    def load(self, file: Path) -> Self:
        with np.load(file, allow_pickle=False) as arrays:
            self._mean, self._scale = arrays["mean"], arrays["scale"]
            self._target_mean, self._target_scale = arrays["target"].tolist()
            layers = len(self.params.hidden_layers) + 1
            self._layers = [(arrays[f"kernel_{number}"], arrays[f"bias_{number}"]) for number in range(layers)]
        return self


_ACTIVATIONS: dict[Activation, Callable[[Floats], Floats]] = {
    "linear": lambda signal: signal,
    "relu": lambda signal: np.maximum(signal, 0.0),
    "tanh": np.tanh,
    "sigmoid": logistic,
    "elu": lambda signal: np.where(signal > 0, signal, np.expm1(np.minimum(signal, 0.0))),
}
