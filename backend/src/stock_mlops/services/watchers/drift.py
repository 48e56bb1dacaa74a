"""Whether returns, features and forecasts still look as in training; see ``monitoring.drift``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl
from stock_kit.events import Severity
from stock_kit.model_settings import MonitoringSettings

from stock_mlops.features import registry
from stock_mlops.monitoring.columns import RETURN_COLUMNS, YEAR, return_columns
from stock_mlops.monitoring.drift import Drifting, DriftReference, watch_drift
from stock_mlops.services.watchers.base import History, Number, Observation, Served, Subject, condition
from stock_mlops.stores.interval_states import StateKey

if TYPE_CHECKING:
    from datetime import date

    from stock_mlops.forecasting.estimators.base import Floats
    from stock_mlops.instruments import Instrument

RETURNS, FORECASTS = "returns", "forecasts"
_FORECAST = "forecast"
_RANGE = "range_1"
"""The feature that relative ranges are made of."""
# Deterministic functions of the date: a quarter never looks like a year, and no market drifts in them.
_LEFT_OUT = "calendar"
_NAMED = 8
# Sessions without a row or with a feature that is not known.
_GAPS = 10


class References(Protocol):
    """``stores.drift_references.DriftReferences``, or a dictionary in a test."""

    def get(self, key: StateKey) -> DriftReference | None: ...

    def put(self, key: StateKey, reference: DriftReference) -> None: ...


class DriftWatch:
    detector = "drift"

    def __init__(self, history: History, references: References, settings: MonitoringSettings) -> None:
        self._history = history
        self._references = references
        self._settings = settings

    def observe(self, subject: Subject) -> Observation:
        if subject.served is None:
            return Observation()
        reference = self._reference(subject.instrument, subject.served)
        if reference is None:
            return Observation()
        settings = self._settings
        rows = reference.window + settings.persistence_of + _GAPS
        start = subject.instrument.sessions.previous(subject.last_session, rows)
        found = watch_drift(
            reference,
            drift_rows(self._history, subject.instrument, subject.served, start, subject.last_session),
            _families(reference.columns),
            settings.false_discovery_rate,
            settings.persistence,
            settings.persistence_of,
        )
        return Observation() if found is None else _observation(subject, reference.columns, found, settings)

    def _reference(self, instrument: Instrument, served: Served) -> DriftReference | None:
        """Of the version that serves; computed when it is first asked for. None: its training rows are too few."""
        champion, info = served.champion, served.bundle.info
        key = StateKey(champion.registered_name, champion.version, instrument)
        known = self._references.get(key)
        if known is not None and known.window == self._settings.window:
            return known
        x = drift_rows(self._history, instrument, served, info.trained_from, info.trained_until)
        if len(x) < DriftReference.fewest(self._settings.window):
            return None
        reference = DriftReference.of(drift_columns(served), x, self._settings.window)
        self._references.put(key, reference)
        return reference


def drift_columns(served: Served) -> list[str]:
    """What is watched of an instrument: the stationary features of its model, its forecasts, the returns."""
    return [*_watched(served.bundle.features), _FORECAST, *RETURN_COLUMNS]


def drift_rows(history: History, instrument: Instrument, served: Served, start: date, end: date) -> Floats:
    """(rows, :func:`drift_columns`): sessions of which everything is known."""
    features = served.bundle.features
    names = tuple(dict.fromkeys((*features, _RANGE)))
    earlier = instrument.sessions.previous(start, YEAR + 1)
    frame = history.training_frame(instrument, names, earlier, end).frame
    returns = return_columns(frame["close"].to_numpy(), frame[_RANGE].cast(pl.Float64).to_numpy())
    x = frame.select(pl.col(name).cast(pl.Float64) for name in features).to_numpy()
    known = np.isfinite(x).all(axis=1) & np.isfinite(returns).all(axis=1)
    usable = known & (frame["session"] >= start).to_numpy()
    x, returns = x[usable], returns[usable]
    forecasts = served.bundle.predict_rows(x)[:, :1] if len(x) else x[:, :1]
    kept = [features.index(name) for name in _watched(features)]
    return np.hstack([x[:, kept], forecasts, returns])


def _watched(features: Sequence[str]) -> list[str]:
    known = registry()
    return [name for name in features if name in known and known[name].stationary and known[name].group != _LEFT_OUT]


def _families(columns: Sequence[str]) -> tuple[list[int], list[int]]:
    """The returns, and all else."""
    returns = [position for position, name in enumerate(columns) if name in RETURN_COLUMNS]
    return returns, [position for position in range(len(columns)) if position not in returns]


def _groups(columns: Sequence[str]) -> Mapping[str, list[int]]:
    """Positions of the columns of each group of features, of the returns and of the forecasts."""
    known = registry()
    named = {_FORECAST: FORECASTS} | dict.fromkeys(RETURN_COLUMNS, RETURNS)
    groups: dict[str, list[int]] = {}
    for position, name in enumerate(columns):
        groups.setdefault(named.get(name) or known[name].group, []).append(position)
    return groups


def _observation(
    subject: Subject, columns: Sequence[str], found: Drifting, settings: MonitoringSettings
) -> Observation:
    numbers = []
    for group, positions in _groups(columns).items():
        numbers.append(Number("drift", group, "statistic", float(found.statistic[positions].max())))
        numbers.append(Number("drift", group, "features", float(found.drifted[positions].sum())))
    numbers.append(Number("drift", "", "features", float(found.drifted.sum())))
    numbers.append(Number("drift", "", "sessions", float(found.sessions), float(settings.persistence)))
    if not found.persistent:
        return Observation(numbers)
    names = [columns[position] for position in np.argsort(-found.statistic) if found.drifted[position]]
    groups = {group: int(found.drifted[positions].sum()) for group, positions in _groups(columns).items()}
    detail = (
        f"In {found.sessions} of the newest {settings.persistence_of} sessions the last {settings.window} sessions did"
        f" not look like the training rows of version {_version(subject)}. Drifted now: {len(names)} of"
        f" {len(columns)} columns ({', '.join(f'{group} {count}' for group, count in groups.items() if count)});"
        f" most of all {', '.join(names[:_NAMED]) or 'none'}. Train again, or look for what changed in the data."
    )
    alarm = condition(
        subject,
        "drift",
        Severity.WARNING,
        "inputs do not look as in training",
        detail,
        float(found.sessions),
        float(settings.persistence),
    )
    return Observation(numbers, [alarm])


def _version(subject: Subject) -> int:
    if subject.served is None:
        raise ValueError("expected a subject that a model serves")
    return subject.served.champion.version
