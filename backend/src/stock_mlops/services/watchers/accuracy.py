"""How good the forecasts that have met their closes were: errors, bias, skill, coverage; and the age of the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from stock_kit.events import Severity
from stock_kit.model_settings import MonitoringSettings

from stock_mlops.services.alerting import Condition
from stock_mlops.services.watchers.base import Number, Observation, Served, Subject, condition
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy

# In standard errors; with two horizons looked at after each session, once in some years by chance.
_SURE = 3.0
# With fewer outcomes nothing is said.
_FEWEST = 20


class Outcomes(Protocol):
    """``stores.settlements.Settlements``, or a list in a test."""

    def rolling(
        self, wanted: AccuracyFilter, windows: Sequence[int] = (60,), limit: int = 500
    ) -> Sequence[RollingAccuracy]: ...


class AccuracyWatch:
    detector = "accuracy"

    def __init__(self, outcomes: Outcomes, settings: MonitoringSettings) -> None:
        self._outcomes = outcomes
        self._window = settings.error_window

    def observe(self, subject: Subject) -> Observation:
        if subject.served is None:
            return Observation()
        champion, instrument = subject.served.champion, subject.instrument
        wanted = AccuracyFilter(instrument.exchange, instrument.ticker, champion.registered_name)
        rows = [
            row for row in self._outcomes.rolling(wanted, (self._window,)) if row.model_version == str(champion.version)
        ]
        numbers = [number for row in rows for number in _numbers(row)]
        conditions = [
            found for row in rows for check in (_coverage_off, _biased) if (found := check(subject, row)) is not None
        ]
        return Observation(numbers, conditions)


def _numbers(row: RollingAccuracy) -> list[Number]:
    horizon = str(row.horizon)
    measured = {"rmse": row.rmse, "mae": row.mae, "bias": row.bias, "skill": row.skill, "n": float(row.n)}
    numbers = [Number("accuracy", horizon, name, value) for name, value in measured.items() if value is not None]
    if row.coverage is not None and row.level is not None:
        numbers.append(Number("coverage", horizon, f"{row.level:g}", row.coverage, row.level))
    return numbers


def _independent(row: RollingAccuracy) -> float:
    """Outcomes of overlapping periods count once."""
    return row.n / row.horizon


def _coverage_off(subject: Subject, row: RollingAccuracy) -> Condition | None:
    """Gibbs and Candes's intervals come back by themselves; one that stays off is not adapted."""
    if row.coverage is None or row.level is None or row.n < _FEWEST:
        return None
    tolerance = _SURE * math.sqrt(row.level * (1 - row.level) / _independent(row))
    if abs(row.coverage - row.level) <= tolerance:
        return None
    return condition(
        subject,
        f"coverage:{row.horizon}",
        Severity.WARNING,
        f"intervals {row.horizon} sessions ahead hold {row.coverage:.0%}, not {row.level:.0%}",
        f"Of the newest {row.n} settled forecasts of {row.model_name} {row.model_version} for {row.horizon} sessions"
        f" ahead {row.coverage:.1%} of the closes lay inside the interval; {row.level:.0%} +- {tolerance:.1%} should.",
        row.coverage,
        row.level - math.copysign(tolerance, row.level - row.coverage),
    )


def _biased(subject: Subject, row: RollingAccuracy) -> Condition | None:
    if row.n < _FEWEST or row.rmse == 0.0:
        return None
    deviation = math.sqrt(max(row.rmse**2 - row.bias**2, 0.0))
    tolerance = _SURE * deviation / math.sqrt(_independent(row))
    if abs(row.bias) <= tolerance:
        return None
    return condition(
        subject,
        f"bias:{row.horizon}",
        Severity.WARNING,
        f"forecasts {row.horizon} sessions ahead are too {'high' if row.bias > 0 else 'low'}",
        f"The newest {row.n} settled forecasts of {row.model_name} {row.model_version}, {row.horizon} sessions ahead,"
        f" were off by {row.bias:+.3%} on average; {tolerance:.3%} was to be expected by chance.",
        row.bias,
        math.copysign(tolerance, row.bias),
    )


class AgeWatch:
    """Models that are past their expiry."""

    detector = "model_age"

    def __init__(self, expiry_sessions: int) -> None:
        self._expiry = expiry_sessions

    def observe(self, subject: Subject) -> Observation:
        if subject.served is None:
            return Observation()
        age = self._age(subject, subject.served)
        number = Number("age", "", "sessions", float(age), float(self._expiry))
        if age <= self._expiry:
            return Observation([number])
        found = condition(
            subject,
            "stale_model",
            Severity.WARNING,
            f"its model is {age} sessions old",
            f"Version {subject.served.champion.version} of {subject.served.champion.registered_name} was trained on"
            f" sessions until {subject.served.bundle.info.trained_until}; it counts as fresh for {self._expiry}"
            " sessions. Train it again.",
            float(age),
            float(self._expiry),
        )
        return Observation([number], [found])

    @staticmethod
    def _age(subject: Subject, served: Served) -> int:
        return subject.instrument.sessions.count(served.bundle.info.trained_until, subject.last_session)
