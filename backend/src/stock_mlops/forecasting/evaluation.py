"""How good a model is at one horizon, found on rows that its training never saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.dataset import Dataset, TrainingDataError
from stock_mlops.forecasting.direction import DirectionReadout, base_rate_readout, fit_readout
from stock_mlops.forecasting.estimators import Estimator
from stock_mlops.forecasting.estimators.base import Floats, Positions
from stock_mlops.forecasting.intervals import conformal_half_width, share_above
from stock_mlops.forecasting.metrics import (
    DieboldMariano,
    Sample,
    Scores,
    diebold_mariano,
    direction_accuracy,
    roc_auc,
    score,
)
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.splitter import Fold, split

# Below this p-value of the Diebold-Mariano test a model counts as better than the random walk.
SIGNIFICANCE = 0.05

MakeEstimator = Callable[[int], Estimator]
"""A new estimator for a horizon."""


@dataclass(frozen=True, slots=True)
class FoldScores:
    """One test window of one horizon."""

    first: date
    last: date
    train_rows: int
    train_rmse: float
    """On its own training rows: far below the test's means overfitting."""
    train_auc: float | None
    """Of a classifier."""
    test: Scores

    def to_dict(self) -> dict[str, Any]:
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "train_rows": self.train_rows,
            "train_rmse": self.train_rmse,
            "train_auc": self.train_auc,
            **self.test.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class FoldGlance:
    """A test window just after its forecasts were made, for who watches; the evaluation tells more of it in the end."""

    horizon: int
    fold: int
    """From 1."""
    folds: int
    first: date
    last: date
    rmse: float | None
    """None of a classifier, whose returns are read from all windows together."""
    random_walk_rmse: float
    direction_accuracy: float | None
    auc: float | None
    """None of a regression, whose windows the evaluation ranks once, in the end."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "first": self.first.isoformat(), "last": self.last.isoformat()}


Judged = Callable[[FoldGlance], None]
"""Told of each test window as soon as it was forecast; may raise to stop the work."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Forecasts of one horizon for rows that were not trained on, in the order of time; all (n,)."""

    rows: Positions
    """Of the dataset."""
    sessions: NDArray[np.datetime64]
    """When each forecast was made."""
    y: Floats
    y_hat: Floats
    probability: Floats
    """Of a rise, by what was known of earlier windows; NaN in the first one of a regression."""
    fold: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HorizonEvaluation:
    """What validation found for one horizon."""

    horizon: int
    pooled: Scores
    """Over all test windows together."""
    dm: DieboldMariano | None
    half_width: float
    coverage: float | None
    """Share of returns inside the interval, each window judged by intervals from other windows (earlier ones, unless
    the windows were chosen by k-fold)."""
    folds: tuple[FoldScores, ...]
    oof: OutOfFold
    raw: Floats = field(repr=False)
    """(n,): the estimators' own output for :attr:`oof`; of the direction task not yet calibrated."""
    adjusted_p_value: float | None = None
    """Of the Diebold-Mariano test, given how many horizons were looked at."""

    @property
    def beats_random_walk(self) -> bool:
        return self.adjusted_p_value is not None and self.adjusted_p_value < SIGNIFICANCE

    def to_dict(self) -> dict[str, Any]:
        return {
            "horizon": self.horizon,
            **self.pooled.to_dict(),
            "dm_statistic": None if self.dm is None else self.dm.statistic,
            "dm_p_value": None if self.dm is None else self.dm.p_value,
            "dm_p_value_adjusted": self.adjusted_p_value,
            "beats_random_walk": self.beats_random_walk,
            "half_width": self.half_width,
            "coverage": self.coverage,
            "fold_mean": _fold_mean(self.folds),
            "folds": [fold.to_dict() for fold in self.folds],
        }


def evaluate(
    spec: ModelSpec,
    dataset: Dataset,
    horizon: int,
    make: MakeEstimator,
    report: Callable[[int], None],
    judged: Judged = lambda _: None,
) -> HorizonEvaluation:
    """Train and test in every window of the definition's validation; ``report`` is told the number of each first,
    ``judged`` what came of it.

    Raises:
        TrainingDataError: a window has too few rows with all features.
    """
    y = dataset.y[:, horizon - 1]
    windows, raws, trains = [], [], []
    for number, fold in enumerate(splits(spec, dataset, horizon)):
        report(number)
        train, test = rows_of(dataset, horizon, fold)
        x = dataset.x[train]
        estimator = make(horizon).fit(x, y[train], dataset.t[train])
        windows.append((train, test))
        raws.append(estimator.predict(dataset.x[test]))
        trains.append(estimator.predict(x))
        judged(_glance(spec, dataset, horizon, number, test, raws[-1]))
    fold_numbers = np.repeat(np.arange(len(windows)), [len(test) for _, test in windows])
    rows, raw = np.concatenate([test for _, test in windows]), np.concatenate(raws)
    readouts = [
        _readout(spec, y[train], raw[known := _known_before(spec, fold_numbers, number)], y[rows[known]])
        for number, (train, _) in enumerate(windows)
    ]
    y_hat, probability = raw.copy(), np.full(len(raw), np.nan)
    for number, readout in enumerate(readouts):
        inside = fold_numbers == number
        if readout is not None:
            probability[inside] = readout.probability(raw[inside])
            y_hat[inside] = readout.expected_return(probability[inside])
    coverage = _judge_intervals(spec, y[rows], y_hat, probability, fold_numbers)
    oof = OutOfFold(rows, dataset.sessions[dataset.t[rows]], y[rows], y_hat, probability, fold_numbers)
    return HorizonEvaluation(
        horizon=horizon,
        pooled=_score(spec, dataset, oof, np.ones(len(raw), dtype=bool)),
        dm=diebold_mariano(oof.y, y_hat, horizon, None if spec.panel is None else dataset.t[rows]),
        half_width=conformal_half_width(oof.y - y_hat),
        coverage=coverage,
        folds=tuple(
            FoldScores(
                first=dataset.day(int(test[0])),
                last=dataset.day(int(test[-1])),
                train_rows=len(train),
                **_score_training(y[train], trains[number], readouts[number]),
                test=_score(spec, dataset, oof, fold_numbers == number),
            )
            for number, (train, test) in enumerate(windows)
        ),
        oof=oof,
        raw=raw,
    )


def _glance(spec: ModelSpec, dataset: Dataset, horizon: int, number: int, test: Positions, raw: Floats) -> FoldGlance:
    y = dataset.y[test, horizon - 1]
    call = raw if spec.task == "regression" else raw - 0.5
    return FoldGlance(
        horizon=horizon,
        fold=number + 1,
        folds=spec.validation.folds,
        first=dataset.day(int(test[0])),
        last=dataset.day(int(test[-1])),
        rmse=_rmse(y, raw) if spec.task == "regression" else None,
        random_walk_rmse=_rmse(y, np.zeros_like(y)),
        direction_accuracy=direction_accuracy(y, call),
        auc=roc_auc(y > 0, raw) if spec.task != "regression" else None,
    )


def splits(spec: ModelSpec, dataset: Dataset, horizon: int) -> list[Fold]:
    validation = spec.validation
    return split(
        len(dataset.sessions),
        folds=validation.folds,
        horizon=horizon,
        embargo=validation.embargo,
        scheme=validation.scheme,
    )


def rows_of(dataset: Dataset, horizon: int, fold: Fold) -> tuple[Positions, Positions]:
    """Rows to train on and rows to test on.

    Raises:
        TrainingDataError: the sessions of a window have too few rows with all features.
    """
    known = dataset.known(horizon)
    t = dataset.t[known]
    train, test = known[fold.trains_on(t)], known[fold.tests_on(t)]
    if len(train) < 2 or len(test) < 1:
        first, last = dataset.sessions[fold.train[0][0]], dataset.sessions[fold.test[1] - 1]
        raise TrainingDataError(
            f"{', '.join(str(member) for member in dataset.members[:3])}: too many sessions without features between"
            f" {first} and {last}; load those prices again, or choose start and end around the hole"
        )
    return train, test


def _readout(spec: ModelSpec, y_train: Floats, raw: Floats, y_held_out: Floats) -> DirectionReadout | None:
    if spec.task != "direction":
        return None
    return fit_readout(raw, y_held_out, y_train) if len(raw) else base_rate_readout(y_train)


def _known_before(spec: ModelSpec, fold_numbers: NDArray[np.int64], number: int) -> NDArray[np.bool_]:
    """Rows whose outcome may be used to read the forecasts of window ``number``."""
    known: NDArray[np.bool_] = (
        fold_numbers != number if spec.validation.scheme == "purged_kfold" else fold_numbers < number
    )
    return known


def _judge_intervals(
    spec: ModelSpec, y: Floats, y_hat: Floats, probability: Floats, fold_numbers: NDArray[np.int64]
) -> float | None:
    """Realised coverage; on the way a regression's ``probability`` is filled in from the errors known by then."""
    inside = []
    for number in range(int(fold_numbers.max()) + 1):
        known, here = _known_before(spec, fold_numbers, number), fold_numbers == number
        if not known.any():
            continue
        errors = y[known] - y_hat[known]
        inside.append(np.abs(y[here] - y_hat[here]) <= conformal_half_width(errors))
        if spec.task == "regression":
            probability[here] = share_above(errors, -y_hat[here])
    return float(np.concatenate(inside).mean()) if inside else None


def _score(spec: ModelSpec, dataset: Dataset, oof: OutOfFold, chosen: NDArray[np.bool_]) -> Scores:
    rows = oof.rows[chosen]
    sample = Sample(
        y=oof.y[chosen],
        y_hat=oof.y_hat[chosen],
        close=dataset.close[rows],
        probability=oof.probability[chosen],
        call=oof.probability[chosen] - 0.5 if spec.task == "direction" else None,
        t=None if spec.panel is None else dataset.t[rows],
    )
    return score(sample, inputs=len(spec.features))


def _score_training(y: Floats, raw: Floats, readout: DirectionReadout | None) -> dict[str, Any]:
    """What over- and underfitting show in; the rest is told of test windows only, because it takes time."""
    if readout is None:
        return {"train_rmse": _rmse(y, raw), "train_auc": None}
    y_hat = readout.expected_return(readout.probability(raw))
    return {"train_rmse": _rmse(y, y_hat), "train_auc": roc_auc(y > 0, raw)}


def _rmse(y: Floats, y_hat: Floats) -> float:
    return float(np.sqrt(np.mean((y - y_hat) ** 2)))


def _fold_mean(folds: tuple[FoldScores, ...]) -> dict[str, float | None]:
    """Each metric's mean over the test windows that define it."""
    rows = [fold.test.to_dict() for fold in folds]
    means: dict[str, float | None] = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None]
        means[name] = float(np.mean(values)) if values else None
    return means
