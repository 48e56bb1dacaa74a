"""Training: a frame and a definition in, a fitted bundle and an honest evaluation out. Pure: no I/O, no clock.

One estimator per horizon (direct forecasts). Each horizon is judged on rows that its training never saw; those errors
also give the intervals and, of a classifier, the calibration. The model that is kept is then fitted on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from stock_mlops.forecasting.backtest import BacktestResult, backtest
from stock_mlops.forecasting.bundle import BundleInfo, ForecastBundle
from stock_mlops.forecasting.dataset import Dataset, build_dataset
from stock_mlops.forecasting.diagnostics import Diagnosis, diagnose
from stock_mlops.forecasting.direction import fit_readout
from stock_mlops.forecasting.engine import build_engine
from stock_mlops.forecasting.estimators import Estimator, registry
from stock_mlops.forecasting.estimators.base import History
from stock_mlops.forecasting.evaluation import HorizonEvaluation, Judged, evaluate
from stock_mlops.forecasting.intervals import LEVEL, Intervals
from stock_mlops.forecasting.metrics import holm
from stock_mlops.forecasting.reference import Reference
from stock_mlops.forecasting.search import SearchResult, search
from stock_mlops.forecasting.spec import ModelSpec, check_available
from stock_mlops.instruments import Instrument

Progress = Callable[[float, str], None]
"""Told how far the work is (0..1) and what it is at; may raise to stop it."""

# Where the search for parameters ends on the progress bar, and where the fits do.
_SEARCHED, _FITTED = 0.5, 0.95
_EXAMPLE_ROWS = 50


@dataclass(frozen=True, slots=True)
class TrainingResult:
    bundle: ForecastBundle
    horizons: tuple[HorizonEvaluation, ...]
    dataset: Dataset
    diagnosis: Diagnosis
    histories: tuple[History, ...]
    """Of the final fits, one per horizon; empty unless the model type is fitted by iterations."""
    backtests: tuple[tuple[Instrument, BacktestResult], ...]
    """Of the shortest and the longest horizon for one ticker, of the shortest for each member of a panel."""
    search: SearchResult | None
    example: tuple[float, ...]
    """The newest complete row of features, in the bundle's order."""

    @property
    def rows(self) -> int:
        """Rows with all features."""
        return int(self.dataset.complete.sum())

    @property
    def trials(self) -> int:
        """Parameter combinations that were tried before this one was kept."""
        return 1 if self.search is None else len(self.search.trials)

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain values for the catalog and the API."""
        return {
            "level": LEVEL,
            "task": self.bundle.info.task,
            "rows": self.rows,
            "trials": self.trials,
            "params": dict(self.bundle.info.params),
            "search": None if self.search is None else self.search.to_dict(),
            "beats_random_walk": any(item.beats_random_walk for item in self.horizons),
            "horizons": [item.to_dict() for item in self.horizons],
            "backtests": [{"ticker": who.ticker, **result.to_dict()} for who, result in self.backtests],
            **self.diagnosis.to_dict(),
        }


def train(
    spec: ModelSpec,
    frame: pl.DataFrame,
    *,
    data_version: str,
    feature_version: str,
    progress: Progress = lambda _fraction, _stage: None,
    judged: Judged = lambda _: None,
) -> TrainingResult:
    """Validate and fit the model of ``spec`` on ``frame`` (``session``, adjusted ``open`` and ``close``, features; of a
    panel also ``ticker``).

    The same spec and frame give the same bundle bit for bit.

    Raises:
        TooLittleHistoryError, TrainingDataError: see :func:`~stock_mlops.forecasting.dataset.build_dataset`.
        UnavailableModelError: the model type's library is not installed.
    """
    check_available(spec)
    _make(spec, spec.params, 1).prepare()
    # One thread of BLAS and OpenMP: tables of this size gain little from more, threads that wait for each other crawl
    # on a busy machine (a hundredfold was seen), and sums in another order differ in the last bit.
    with threadpool_limits(limits=1):
        return _train(spec, build_dataset(spec, frame), (data_version, feature_version), progress, judged)


def _train(
    spec: ModelSpec, dataset: Dataset, versions: tuple[str, str], progress: Progress, judged: Judged
) -> TrainingResult:
    found = _search(spec, dataset, progress)
    params = spec.params if found is None else found.params

    def make(horizon: int) -> Estimator:
        return _make(spec, params, horizon)

    evaluations, estimators = [], []
    steps = spec.validation.folds + 1
    for horizon in range(1, spec.horizon + 1):
        stage = f"horizon {horizon} of {spec.horizon}"

        def report(number: int, what: str = "", horizon: int = horizon, stage: str = stage) -> None:
            begun = 0.0 if found is None else _SEARCHED
            share = ((horizon - 1) * steps + number) / (spec.horizon * steps)
            progress(begun + (_FITTED - begun) * share, f"{stage}: {what or f'fold {number + 1} of {steps - 1}'}")

        evaluations.append(evaluate(spec, dataset, horizon, make, report, judged))
        report(steps - 1, "final fit")
        rows = dataset.known(horizon)
        estimators.append(make(horizon).fit(dataset.x[rows], dataset.y[rows, horizon - 1], dataset.t[rows]))
    progress(_FITTED, "learning curve and importance")
    diagnosis = diagnose(spec, dataset, make)
    adjusted = holm([None if item.dm is None else item.dm.p_value for item in evaluations])
    horizons = tuple(replace(item, adjusted_p_value=p) for item, p in zip(evaluations, adjusted, strict=True))
    return TrainingResult(
        bundle=_bundle(spec, params, dataset, estimators, horizons, versions),
        horizons=horizons,
        dataset=dataset,
        diagnosis=diagnosis,
        histories=tuple(history for item in estimators if (history := item.history) is not None),
        backtests=_backtests(spec, dataset, horizons, 1 if found is None else len(found.trials)),
        search=found,
        example=tuple(dataset.x[np.flatnonzero(dataset.complete)[-1]].tolist()),
    )


def _make(spec: ModelSpec, params: Mapping[str, Any], horizon: int) -> Estimator:
    estimator = registry()[spec.model_type]
    return estimator(estimator.Params(**params), spec.seed, spec.task or estimator.tasks[0], horizon)


def _search(spec: ModelSpec, dataset: Dataset, progress: Progress) -> SearchResult | None:
    if spec.search is None:
        return None
    trials = spec.search.trials

    def report(number: int) -> None:
        progress(_SEARCHED * min(number / trials, 1.0), f"search: trial {number + 1} of {trials}")

    return search(spec, dataset, lambda params, horizon: _make(spec, params, horizon), report)


def _bundle(
    spec: ModelSpec,
    params: Mapping[str, Any],
    dataset: Dataset,
    estimators: list[Estimator],
    horizons: tuple[HorizonEvaluation, ...],
    versions: tuple[str, str],
) -> ForecastBundle:
    complete = np.flatnonzero(dataset.complete)
    info = BundleInfo(
        exchange=spec.exchange,
        registered_model=spec.registered_model,
        tickers=tuple(member.ticker for member in dataset.members),
        model_type=spec.model_type,
        task=estimators[0].task,
        features=spec.features,
        horizon=spec.horizon,
        params=dict(params),
        seed=spec.seed,
        spec_hash=spec.spec_hash,
        feature_version=versions[1],
        data_version=versions[0],
        trained_from=dataset.day(int(complete[0])),
        trained_until=dataset.day(int(complete[-1])),
    )
    readouts = (
        [
            fit_readout(item.raw, item.oof.y, dataset.y[dataset.known(item.horizon), item.horizon - 1])
            for item in horizons
        ]
        if info.task == "direction"
        else None
    )
    engine = build_engine(estimators, dataset.x[complete[-_EXAMPLE_ROWS:]])
    return ForecastBundle(
        info,
        engine,
        Intervals.of([item.oof.y - item.oof.y_hat for item in horizons]),
        Reference.of(dataset.x[complete], [item.oof.y_hat for item in horizons]),
        readouts,
    )


def _backtests(
    spec: ModelSpec, dataset: Dataset, horizons: tuple[HorizonEvaluation, ...], trials: int
) -> tuple[tuple[Instrument, BacktestResult], ...]:
    if spec.validation.scheme == "purged_kfold":
        return ()  # its models were trained on what came after
    chosen = horizons[:1] if spec.panel is not None or spec.horizon == 1 else (horizons[0], horizons[-1])
    return tuple(
        (member, _backtest_of(dataset, number, item, trials))
        for item in chosen
        for number, member in enumerate(dataset.members)
        if (dataset.member[item.oof.rows] == number).any()
    )


def _backtest_of(dataset: Dataset, member: int, item: HorizonEvaluation, trials: int) -> BacktestResult:
    forecasts = np.full(len(dataset), np.nan)
    forecasts[item.oof.rows] = item.oof.y_hat
    mine = np.flatnonzero(dataset.member == member)
    return backtest(
        dataset.sessions[dataset.t[mine]],
        dataset.open[mine],
        dataset.close[mine],
        forecasts[mine],
        item.horizon,
        trials=trials,
    )
