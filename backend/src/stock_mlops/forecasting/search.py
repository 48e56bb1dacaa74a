"""The search for hyper-parameters, inside the training window of the first fold.

No test window, whose results are reported, has a say in the choice; the price is that the choice rests on the oldest
part of the history.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stock_mlops.forecasting.dataset import Dataset, TooLittleHistoryError
from stock_mlops.forecasting.estimators import Estimator, registry
from stock_mlops.forecasting.estimators.base import Choice, Span
from stock_mlops.forecasting.evaluation import evaluate, splits
from stock_mlops.forecasting.spec import ModelSpec, Validation
from stock_mlops.forecasting.splitter import minimum_length

_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination that was tried."""

    number: int
    params: Mapping[str, Any]
    loss: float
    """Squared error of the inner test windows over the random walk's, mean of the shortest and the longest horizon."""
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return {"number": self.number, "params": dict(self.params), "loss": self.loss, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class SearchResult:
    params: Mapping[str, Any]
    """Of the best trial, with the definition's own for what was not searched."""
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """Of equals the first."""
        return min(self.trials, key=lambda trial: trial.loss)

    def to_dict(self) -> dict[str, Any]:
        """How many were tried, and which parameters won; what was not searched for is left out."""
        return {"trials": len(self.trials), "params": dict(self.best.params)}


def winner(found: Mapping[str, Any]) -> str:
    """What :meth:`SearchResult.to_dict` says, for people."""
    params = ", ".join(
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in found["params"].items()
    )
    return f"the best of {found['trials']} tried: {params}"


def search(
    spec: ModelSpec,
    dataset: Dataset,
    make: Callable[[Mapping[str, Any], int], Estimator],
    report: Callable[[int], None],
) -> SearchResult:
    """Try combinations by the tree-structured Parzen estimator (Bergstra et al. 2011) until the budget is spent.

    The first trial is the definition's own parameters, so that the search never ends with something it found worse. The
    same seed gives the same trials, unless the time runs out.

    Args:
        make: an estimator of parameters and a horizon.
        report: told the number of each trial; may raise to stop.

    Raises:
        TooLittleHistoryError: the first training window is too short to be split again.
    """
    import optuna

    assert spec.search is not None  # noqa: S101  for the type checker; the caller asks only then
    inner_spec, window = _inner(spec, dataset)
    space = registry()[spec.model_type].search_space
    horizons = sorted({1, spec.horizon})

    def objective(trial: optuna.Trial) -> float:
        report(trial.number)
        params = {**spec.params, **{name: _suggest(trial, name, values) for name, values in space.items()}}
        found = [evaluate(inner_spec, window, h, lambda step: make(params, step), lambda _: None) for h in horizons]
        return float(np.mean([item.pooled.mse / item.pooled.random_walk_rmse**2 for item in found]))

    optuna.logging.set_verbosity(logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=spec.seed))
    study.enqueue_trial(
        {name: spec.params[name] for name in space if spec.params.get(name) is not None}, skip_if_exists=True
    )
    study.optimize(objective, n_trials=spec.search.trials, timeout=spec.search.timeout)
    trials = tuple(
        Trial(
            item.number,
            item.params,
            float(item.values[0]),
            0.0 if item.duration is None else round(item.duration.total_seconds(), 3),
        )
        for item in study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    )
    return SearchResult({**spec.params, **study.best_params}, trials)


def _inner(spec: ModelSpec, dataset: Dataset) -> tuple[ModelSpec, Dataset]:
    """What the search may see: the rows that the first fold trains on, and how they are split again."""
    # Of the longest horizon, whose gap before the first test window is the widest.
    start, end = splits(spec, dataset, spec.horizon)[0].train[0]
    needed = minimum_length(_FOLDS, spec.horizon, spec.validation.embargo)
    if end - start < needed:
        raise TooLittleHistoryError(
            f"{spec.subject}: expected at least {needed} sessions before the first test window to search in, got"
            f" {end - start}; load a longer history, ask for fewer folds, or leave the search out"
        )
    inside = dataset.rows((dataset.t >= start) & (dataset.t < end))
    y = inside.y.copy()
    for step in range(1, spec.horizon + 1):
        # Labels of the last rows lie beyond the window; the splits never use them, and this makes sure.
        y[inside.t >= end - step, step - 1] = np.nan
    validation = Validation(folds=_FOLDS, scheme=spec.validation.scheme, embargo=spec.validation.embargo)
    window = Dataset(
        dataset.sessions[start:end],
        inside.t - start,
        inside.member,
        inside.members,
        inside.open,
        inside.close,
        inside.x,
        y,
    )
    return spec.model_copy(update={"validation": validation, "search": None}), window


def _suggest(trial: Any, name: str, values: Span | Choice) -> Any:
    if isinstance(values, Choice):
        return trial.suggest_categorical(name, values.values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)
