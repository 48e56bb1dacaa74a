"""From training frames to arrays on the exchange's session axis, with every reason not to train said clearly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stock_mlops.errors import InvalidRequestError
from stock_mlops.forecasting.estimators.base import Floats, Positions
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.splitter import minimum_length
from stock_mlops.instruments import Instrument


class TrainingDataError(InvalidRequestError):
    """The stored history cannot carry the model as it is defined."""

    code = "untrainable_data"
    title = "The data cannot be trained on"


class TooLittleHistoryError(TrainingDataError):
    code = "too_little_history"
    title = "Too little history"


@dataclass(frozen=True)
class Dataset:
    """Rows of one or many instruments, ordered by session and then by instrument.

    Every session of the exchange is a row of every instrument from its first to its last one; a session that is not
    stored is a row of NaN.
    """

    sessions: NDArray[np.datetime64]
    """(m,): all sessions of the exchange from the first row to the last."""
    t: Positions
    """(n,): each row's position among :attr:`sessions`."""
    member: Positions
    """(n,): each row's instrument, as its position in :attr:`members`."""
    members: tuple[Instrument, ...]
    open: Floats
    """(n,), adjusted."""
    close: Floats
    """(n,), adjusted."""
    x: Floats
    """(n, features)"""
    y: Floats
    """(n, H): log return from the row's close to the close h sessions later, NaN where either is unknown."""

    def __len__(self) -> int:
        return len(self.t)

    @cached_property
    def complete(self) -> NDArray[np.bool_]:
        """Rows with every feature and a close."""
        known: NDArray[np.bool_] = np.isfinite(self.x).all(axis=1) & np.isfinite(self.close)
        return known

    def known(self, horizon: int) -> Positions:
        """Rows with every feature and a label at this horizon."""
        return self._known[horizon - 1]

    @cached_property
    def _known(self) -> list[Positions]:
        return [np.flatnonzero(self.complete & np.isfinite(column)) for column in self.y.T]

    def day(self, row: int) -> date:
        day: date = self.sessions[self.t[row]].astype(object)
        return day

    def rows(self, chosen: Positions | NDArray[np.bool_]) -> Dataset:
        """The same sessions with the chosen rows only."""
        return replace(
            self,
            t=self.t[chosen],
            member=self.member[chosen],
            open=self.open[chosen],
            close=self.close[chosen],
            x=self.x[chosen],
            y=self.y[chosen],
        )


def build_dataset(spec: ModelSpec, frame: pl.DataFrame) -> Dataset:
    """Check ``frame`` and lay it out for training.

    Args:
        frame: ``session``, adjusted ``open`` and ``close``, one column per feature; of a panel also ``ticker``.

    Raises:
        TooLittleHistoryError: fewer usable sessions than the definition's validation needs; the text names both.
        TrainingDataError: a feature column is missing or empty, prices are not positive or never change, a day is not
            a session of the exchange, a member of the panel has no rows.
    """
    columns = ("session", "open", "close", *spec.features, *(() if spec.panel is None else ("ticker",)))
    if missing := [name for name in columns if name not in frame.columns]:
        raise TrainingDataError(f"{spec.subject}: expected the columns {', '.join(missing)}, which the data lacks")
    parts = [_instrument_rows(spec, instrument, frame) for instrument in spec.instruments]
    dataset = _after_warm_up(_stacked(parts))
    usable = min(len(dataset.sessions), len(np.unique(dataset.t[dataset.complete])))
    _check_length(spec, spec.subject, usable)
    return dataset


def log_returns(close: Floats, horizon: int) -> Floats:
    """(n, horizon): column h-1 is ``log(close[t + h] / close[t])``, NaN where one of them is unknown."""
    logs = np.log(close)
    y = np.full((len(close), horizon), np.nan)
    for step in range(1, min(horizon, len(close) - 1) + 1):
        y[:-step, step - 1] = logs[step:] - logs[:-step]
    return y


def _instrument_rows(spec: ModelSpec, instrument: Instrument, frame: pl.DataFrame) -> Dataset:
    if spec.panel is not None:
        frame = frame.filter(pl.col("ticker") == instrument.ticker)
    frame = _within(spec, instrument, frame)
    _check_prices(instrument, frame["close"])
    if spec.panel is None:
        _check_length(spec, instrument.key, frame.height)
    sessions, position = _session_axis(instrument, frame["session"])
    x = np.full((len(sessions), len(spec.features)), np.nan)
    x[position] = frame.select(pl.col(list(spec.features)).cast(pl.Float64)).to_numpy()
    _check_features(spec, instrument, x)
    prices = np.full((2, len(sessions)), np.nan)
    prices[:, position] = frame.select("open", "close").cast(pl.Float64).to_numpy().T
    count = np.arange(len(sessions))
    y = log_returns(prices[1], spec.horizon)
    return Dataset(sessions, count, np.zeros_like(count), (instrument,), prices[0], prices[1], x, y)


def _stacked(parts: list[Dataset]) -> Dataset:
    """One dataset of all instruments."""
    if len(parts) == 1:
        return parts[0]
    first = min(part.sessions[0] for part in parts)
    longest = (
        parts[0]
        .members[0]
        .sessions.array(first.astype(object), max(part.sessions[-1] for part in parts).astype(object))
    )
    t = np.concatenate([part.t + np.searchsorted(longest, part.sessions[0]) for part in parts])
    member = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.lexsort((member, t))
    return Dataset(
        longest,
        t[order],
        member[order],
        tuple(part.members[0] for part in parts),
        np.concatenate([part.open for part in parts])[order],
        np.concatenate([part.close for part in parts])[order],
        np.concatenate([part.x for part in parts])[order],
        np.concatenate([part.y for part in parts])[order],
    )


def _within(spec: ModelSpec, instrument: Instrument, frame: pl.DataFrame) -> pl.DataFrame:
    if frame.is_empty():
        raise TooLittleHistoryError(f"{instrument} has no stored prices; load them first (stock-mlops etl)")
    frame = frame.sort("session")
    first, last = frame["session"][0], frame["session"][-1]
    kept = frame.filter(
        pl.col("session").is_between(spec.start or first, spec.end or last), pl.col("close").is_not_null()
    )
    if kept.is_empty():
        raise TrainingDataError(
            f"{instrument}: expected start and end to overlap the stored sessions {first} to {last}, got"
            f" {spec.start or 'the first'} to {spec.end or 'the last'}"
        )
    return kept


def _check_prices(instrument: Instrument, close: pl.Series) -> None:
    if not bool((close.is_finite() & (close > 0)).all()):
        raise TrainingDataError(f"{instrument}: expected closes above zero, got one that is not; load the prices again")
    if close.n_unique() == 1:
        raise TrainingDataError(
            f"{instrument}: the close is {close[0]:g} in all {len(close)} sessions; a price that never changes"
            " has no returns to learn from"
        )


def _session_axis(instrument: Instrument, days: pl.Series) -> tuple[NDArray[np.datetime64], NDArray[np.intp]]:
    """All sessions of the exchange from the first to the last day, and where each day stands among them."""
    values = days.to_numpy().astype("datetime64[D]")
    sessions = instrument.sessions.array(days[0], days[-1])
    position = np.searchsorted(sessions, values)
    strange = (position >= len(sessions)) | (sessions[np.minimum(position, len(sessions) - 1)] != values)
    if strange.any():
        first: date = values[strange][0].astype(object)
        raise TrainingDataError(
            f"{instrument}: {first} is not a session of {instrument.exchange}"
            f" ({int(strange.sum())} such days); load the prices under the exchange they come from"
        )
    return sessions, position


def _check_features(spec: ModelSpec, instrument: Instrument, x: Floats) -> None:
    empty = np.asarray(~np.isfinite(x).any(axis=0))
    if empty.any() and len(x):
        names = [name for name, is_empty in zip(spec.features, empty.tolist(), strict=True) if is_empty]
        raise TooLittleHistoryError(
            f"{instrument}: {', '.join(names)} {'has' if len(names) == 1 else 'have'} no value in any of"
            f" {len(x)} sessions; load a longer history or leave {'it' if len(names) == 1 else 'them'} out"
        )


def _after_warm_up(dataset: Dataset) -> Dataset:
    """Without the first sessions, in which features look back beyond the stored history."""
    complete = dataset.complete
    first = int(dataset.t[np.argmax(complete)]) if complete.any() else len(dataset.sessions)
    kept = dataset.rows(dataset.t >= first)
    return replace(kept, sessions=dataset.sessions[first:], t=kept.t - first)


def _check_length(spec: ModelSpec, subject: str, usable: int) -> None:
    validation = spec.validation
    needed = minimum_length(validation.folds, spec.horizon, validation.embargo, validation.scheme)
    if usable < needed:
        raise TooLittleHistoryError(
            f"{subject}: expected at least {needed} sessions with all features (one year to train on, horizon"
            f" {spec.horizon}, {validation.folds} test windows of a month), got {usable}; load a longer history, or ask"
            " for a shorter horizon or fewer folds"
        )
