"""From a training frame to arrays on the exchange's session axis, with every reason not to train said clearly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stock_mlops.errors import InvalidRequestError
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.splitter import minimum_length


class TrainingDataError(InvalidRequestError):
    """The stored history cannot carry the model as it is defined."""

    code = "untrainable_data"
    title = "The data cannot be trained on"


class TooLittleHistoryError(TrainingDataError):
    code = "too_little_history"
    title = "Too little history"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows are consecutive sessions of the exchange; a session that is not stored is a row of NaN."""

    sessions: NDArray[np.datetime64]
    """(n,)"""
    close: Floats
    """(n,), adjusted."""
    x: Floats
    """(n, features)"""
    y: Floats
    """(n, H): log return from the row's close to the close h sessions later, NaN where either is unknown."""

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Rows with every feature and a close."""
        known: NDArray[np.bool_] = np.isfinite(self.x).all(axis=1) & np.isfinite(self.close)
        return known

    def day(self, position: int) -> date:
        day: date = self.sessions[position].astype(object)
        return day


def build_dataset(spec: ModelSpec, frame: pl.DataFrame) -> Dataset:
    """Check ``frame`` (``session``, adjusted ``close``, one column per feature; ascending) and lay it out for training.

    Raises:
        TooLittleHistoryError: fewer usable sessions than the definition's validation needs; the text names both.
        TrainingDataError: a feature column is missing or empty, prices are not positive or never change, a day is not
            a session of the exchange.
    """
    if missing := [name for name in ("session", "close", *spec.features) if name not in frame.columns]:
        raise TrainingDataError(f"{spec.instrument}: expected the columns {', '.join(missing)}, which the data lacks")
    frame = _within(spec, frame)
    _check_prices(spec, frame["close"])
    _check_length(spec, frame.height)
    sessions, position = _session_axis(spec, frame["session"])
    x = np.full((len(sessions), len(spec.features)), np.nan)
    x[position] = frame.select(pl.col(list(spec.features)).cast(pl.Float64)).to_numpy()
    _check_features(spec, x)
    close = np.full(len(sessions), np.nan)
    close[position] = frame["close"].cast(pl.Float64).to_numpy()
    dataset = _after_warm_up(Dataset(sessions, close, x, log_returns(close, spec.horizon)))
    _check_length(spec, min(len(dataset), int(dataset.complete.sum())))
    return dataset


def log_returns(close: Floats, horizon: int) -> Floats:
    """(n, horizon): column h-1 is ``log(close[t + h] / close[t])``, NaN where one of them is unknown."""
    logs = np.log(close)
    y = np.full((len(close), horizon), np.nan)
    for step in range(1, min(horizon, len(close) - 1) + 1):
        y[:-step, step - 1] = logs[step:] - logs[:-step]
    return y


def _within(spec: ModelSpec, frame: pl.DataFrame) -> pl.DataFrame:
    if frame.is_empty():
        raise TooLittleHistoryError(f"{spec.instrument} has no stored prices; load them first (stock-mlops etl)")
    first, last = frame["session"][0], frame["session"][-1]
    kept = frame.filter(
        pl.col("session").is_between(spec.start or first, spec.end or last), pl.col("close").is_not_null()
    )
    if kept.is_empty():
        raise TrainingDataError(
            f"{spec.instrument}: expected start and end to overlap the stored sessions {first} to {last}, got"
            f" {spec.start or 'the first'} to {spec.end or 'the last'}"
        )
    return kept.sort("session")


def _check_prices(spec: ModelSpec, close: pl.Series) -> None:
    if not bool((close.is_finite() & (close > 0)).all()):
        raise TrainingDataError(
            f"{spec.instrument}: expected closes above zero, got one that is not; load the prices again"
        )
    if close.n_unique() == 1:
        raise TrainingDataError(
            f"{spec.instrument}: the close is {close[0]:g} in all {len(close)} sessions; a price that never changes"
            " has no returns to learn from"
        )


def _session_axis(spec: ModelSpec, days: pl.Series) -> tuple[NDArray[np.datetime64], NDArray[np.intp]]:
    """All sessions of the exchange from the first to the last day, and where each day stands among them."""
    values = days.to_numpy().astype("datetime64[D]")
    sessions = spec.instrument.sessions.array(days[0], days[-1])
    position = np.searchsorted(sessions, values)
    strange = (position >= len(sessions)) | (sessions[np.minimum(position, len(sessions) - 1)] != values)
    if strange.any():
        raise TrainingDataError(
            f"{spec.instrument}: {values[strange][0]} is not a session of {spec.exchange}"
            f" ({int(strange.sum())} such days); load the prices under the exchange they come from"
        )
    return sessions, position


def _check_features(spec: ModelSpec, x: Floats) -> None:
    empty = np.asarray(~np.isfinite(x).any(axis=0))
    if empty.any() and len(x):
        names = [name for name, is_empty in zip(spec.features, empty.tolist(), strict=True) if is_empty]
        raise TooLittleHistoryError(
            f"{spec.instrument}: {', '.join(names)} {'has' if len(names) == 1 else 'have'} no value in any of"
            f" {len(x)} sessions; load a longer history or leave {'it' if len(names) == 1 else 'them'} out"
        )


def _after_warm_up(dataset: Dataset) -> Dataset:
    """Without the first sessions, in which features look back beyond the stored history."""
    complete = dataset.complete
    first = int(np.argmax(complete)) if complete.any() else len(dataset)
    return Dataset(dataset.sessions[first:], dataset.close[first:], dataset.x[first:], dataset.y[first:])


def _check_length(spec: ModelSpec, usable: int) -> None:
    validation = spec.validation
    needed = minimum_length(validation.folds, spec.horizon, validation.embargo)
    if usable < needed:
        raise TooLittleHistoryError(
            f"{spec.instrument}: expected at least {needed} sessions with all features (one year to train on, horizon"
            f" {spec.horizon}, {validation.folds} test windows of a month), got {usable}; load a longer history, or ask"
            " for a shorter horizon or fewer folds"
        )
