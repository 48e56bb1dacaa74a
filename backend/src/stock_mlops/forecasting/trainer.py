"""Training: a frame and a definition in, a fitted bundle and an honest evaluation out. Pure: no I/O, no clock.

One estimator per horizon (direct forecasts). Each horizon is judged walk-forward on rows that its training never saw;
those errors also give the intervals. The model that is kept is then fitted on everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stock_mlops.forecasting.bundle import BundleInfo, ForecastBundle
from stock_mlops.forecasting.dataset import Dataset, TrainingDataError, build_dataset
from stock_mlops.forecasting.engine import build_engine
from stock_mlops.forecasting.estimators import Estimator, params_model, registry
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.intervals import LEVEL, Intervals, conformal_half_width
from stock_mlops.forecasting.metrics import DieboldMariano, Scores, diebold_mariano, score
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.splitter import Fold, walk_forward

Progress = Callable[[float, str], None]
"""Told how far the work is (0..1) and what it is at; may raise to stop it."""

# Below this p-value of the Diebold-Mariano test a model counts as better than the random walk.
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class FoldScores:
    """One walk-forward window of one horizon."""

    first: date
    last: date
    train_rows: int
    train_rmse: float
    """On its own training rows: far below the test's means overfitting."""
    test: Scores

    def to_dict(self) -> dict[str, Any]:
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "train_rows": self.train_rows,
            "train_rmse": self.train_rmse,
            **self.test.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Forecasts of one horizon for rows that were not trained on, in the order of time; all (n,)."""

    sessions: NDArray[np.datetime64]
    """When each forecast was made."""
    y: Floats
    y_hat: Floats
    fold: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HorizonEvaluation:
    """What walk-forward validation found for one horizon."""

    horizon: int
    pooled: Scores
    """Over all test windows together."""
    dm: DieboldMariano | None
    half_width: float
    coverage: float | None
    """Share of returns inside the interval, each window judged by intervals from earlier windows alone."""
    folds: tuple[FoldScores, ...]
    oof: OutOfFold

    @property
    def beats_random_walk(self) -> bool:
        return self.dm is not None and self.dm.statistic > 0 and self.dm.p_value < SIGNIFICANCE

    def to_dict(self) -> dict[str, Any]:
        return {
            "horizon": self.horizon,
            **self.pooled.to_dict(),
            "dm_statistic": None if self.dm is None else self.dm.statistic,
            "dm_p_value": None if self.dm is None else self.dm.p_value,
            "beats_random_walk": self.beats_random_walk,
            "half_width": self.half_width,
            "coverage": self.coverage,
            "fold_mean": _fold_mean(self.folds),
            "folds": [fold.to_dict() for fold in self.folds],
        }


@dataclass(frozen=True, slots=True)
class TrainingResult:
    bundle: ForecastBundle
    horizons: tuple[HorizonEvaluation, ...]
    rows: int
    example: tuple[float, ...]
    """The newest row of features, in the bundle's order."""

    @property
    def metrics(self) -> dict[str, Any]:
        """Plain values for the catalog and the API."""
        return {
            "level": LEVEL,
            "rows": self.rows,
            "beats_random_walk": any(item.beats_random_walk for item in self.horizons),
            "horizons": [item.to_dict() for item in self.horizons],
        }


def train(
    spec: ModelSpec,
    frame: pl.DataFrame,
    *,
    data_version: str,
    feature_version: str,
    progress: Progress = lambda _fraction, _stage: None,
) -> TrainingResult:
    """Validate and fit the model of ``spec`` on ``frame`` (``session``, adjusted ``close``, features; ascending).

    The same spec and frame give the same bundle bit for bit.

    Raises:
        TooLittleHistoryError, TrainingDataError: see :func:`~stock_mlops.forecasting.dataset.build_dataset`.
    """
    _new_estimator(spec).prepare()
    # One thread of BLAS and OpenMP: tables of this size gain little from more, threads that wait for each other crawl
    # on a busy machine (a hundredfold was seen), and sums in another order differ in the last bit.
    with threadpool_limits(limits=1):
        return _train(spec, build_dataset(spec, frame), data_version, feature_version, progress)


def _train(
    spec: ModelSpec, dataset: Dataset, data_version: str, feature_version: str, progress: Progress
) -> TrainingResult:
    steps = spec.horizon * (spec.validation.folds + 1)
    evaluations, estimators = [], []
    for horizon in range(1, spec.horizon + 1):
        done = (horizon - 1) * (spec.validation.folds + 1)

        def report(step: int, stage: str, done: int = done) -> None:
            progress((done + step) / steps, stage)

        evaluations.append(_evaluate(spec, dataset, horizon, report))
        report(spec.validation.folds, f"horizon {horizon} of {spec.horizon}: final fit")
        rows = _known(dataset, horizon)
        estimators.append(_new_estimator(spec).fit(dataset.x[rows], dataset.y[rows, horizon - 1]))
    complete = np.flatnonzero(dataset.complete)
    info = BundleInfo(
        exchange=spec.exchange,
        ticker=spec.ticker,
        model_type=spec.model_type,
        features=spec.features,
        horizon=spec.horizon,
        params=spec.params,
        seed=spec.seed,
        spec_hash=spec.spec_hash,
        feature_version=feature_version,
        data_version=data_version,
        trained_from=dataset.day(int(complete[0])),
        trained_until=dataset.day(int(complete[-1])),
    )
    engine = build_engine(estimators, dataset.x[complete[-50:]])
    intervals = Intervals.of([item.oof.y - item.oof.y_hat for item in evaluations])
    return TrainingResult(
        ForecastBundle(info, engine, intervals),
        tuple(evaluations),
        len(complete),
        tuple(dataset.x[complete[-1]].tolist()),
    )


def _new_estimator(spec: ModelSpec) -> Estimator:
    return registry()[spec.model_type](params_model(spec.model_type)(**spec.params), spec.seed)


def _known(dataset: Dataset, horizon: int) -> NDArray[np.intp]:
    """Positions that have all features and a label at this horizon."""
    return np.flatnonzero(dataset.complete & np.isfinite(dataset.y[:, horizon - 1]))


def _evaluate(spec: ModelSpec, dataset: Dataset, horizon: int, report: Callable[[int, str], None]) -> HorizonEvaluation:
    validation = spec.validation
    known = _known(dataset, horizon)
    y = dataset.y[:, horizon - 1]
    folds, tested, forecasts, numbers = [], [], [], []
    splits = walk_forward(
        len(dataset), folds=validation.folds, horizon=horizon, embargo=validation.embargo, scheme=validation.scheme
    )
    for number, fold in enumerate(splits):
        report(number, f"horizon {horizon} of {spec.horizon}: fold {number + 1} of {validation.folds}")
        train_rows, test_rows = _rows(spec, dataset, known, fold)
        estimator = _new_estimator(spec).fit(dataset.x[train_rows], y[train_rows])
        y_hat = estimator.predict(dataset.x[test_rows])
        folds.append(
            FoldScores(
                first=dataset.day(int(test_rows[0])),
                last=dataset.day(int(test_rows[-1])),
                train_rows=len(train_rows),
                train_rmse=score(y[train_rows], estimator.predict(dataset.x[train_rows])).rmse,
                test=score(y[test_rows], y_hat),
            )
        )
        tested.append(test_rows)
        forecasts.append(y_hat)
        numbers.append(np.full(len(test_rows), number))
    positions = np.concatenate(tested)
    oof = OutOfFold(dataset.sessions[positions], y[positions], np.concatenate(forecasts), np.concatenate(numbers))
    return HorizonEvaluation(
        horizon=horizon,
        pooled=score(oof.y, oof.y_hat),
        dm=diebold_mariano(oof.y, oof.y_hat, horizon),
        half_width=conformal_half_width(oof.y - oof.y_hat),
        coverage=_coverage(oof),
        folds=tuple(folds),
        oof=oof,
    )


def _rows(
    spec: ModelSpec, dataset: Dataset, known: NDArray[np.intp], fold: Fold
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    train_rows = known[(known >= fold.train_start) & (known < fold.train_end)]
    test_rows = known[(known >= fold.test_start) & (known < fold.test_end)]
    if len(train_rows) < 2 or len(test_rows) < 1:
        raise TrainingDataError(
            f"{spec.instrument}: too many sessions without features between {dataset.day(fold.train_start)} and"
            f" {dataset.day(fold.test_end - 1)}; load those prices again, or choose start and end around the hole"
        )
    return train_rows, test_rows


def _coverage(oof: OutOfFold) -> float | None:
    errors = np.abs(oof.y - oof.y_hat)
    inside = [
        errors[oof.fold == number] <= conformal_half_width(errors[oof.fold < number])
        for number in range(1, int(oof.fold.max()) + 1)
    ]
    return float(np.concatenate(inside).mean()) if inside else None


def _fold_mean(folds: tuple[FoldScores, ...]) -> dict[str, float | None]:
    """Each metric's mean over the test windows that define it."""
    rows = [fold.test.to_dict() for fold in folds]
    means: dict[str, float | None] = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None]
        means[name] = float(np.mean(values)) if values else None
    return means
