from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from stock_kit.events import Severity
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.instruments import Instrument
from stock_mlops.services.watchers.base import Observation, Subject
from stock_mlops.services.watchers.error_drift import ErrorDriftWatch
from stock_mlops.stores.settled_errors import SettledErrors

SESSIONS = [date(2010, 1, 4) + timedelta(days=number) for number in range(2000)]


def series(errors: Floats, horizon: int = 1) -> SettledErrors:
    """Each stated with an interval of 2 %, which holds 90 % of errors of about 0.6 %."""
    return SettledErrors(horizon, tuple(SESSIONS[: len(errors)]), errors, np.full(len(errors), 0.02))


def made(*parts: tuple[int, float]) -> Floats:
    random = np.random.default_rng(3)
    return np.concatenate([random.standard_normal(count) * scale * 0.0061 for count, scale in parts])


class Errors:
    def __init__(self, *items: SettledErrors) -> None:
        self.items = list(items)
        self.asked: list[tuple[Instrument, str, str]] = []

    def of(self, instrument: Instrument, model: str, version: str) -> list[SettledErrors]:
        self.asked.append((instrument, model, version))
        return self.items


def observe(subject: Subject, *items: SettledErrors) -> Observation:
    return ErrorDriftWatch(Errors(*items)).observe(subject)


def test_errors_as_they_were_are_measured_and_nothing_is_told(subject: Subject) -> None:
    seen = observe(subject, series(made((300, 1.0))), series(made((1500, 1.0)), horizon=5))
    assert seen.conditions == []
    assert [(number.monitor, number.part) for number in seen.numbers] == [("error_drift", "1"), ("error_drift", "5")]
    assert all(0.3 < number.value < 0.7 for number in seen.numbers)


def test_errors_that_tripled_are_told_and_both_methods_make_it_critical(subject: Subject) -> None:
    (early,) = observe(subject, series(made((300, 1.0), (9, 3.0)))).conditions
    (later,) = observe(subject, series(made((300, 1.0), (28, 3.0)))).conditions
    assert (early.severity, later.severity) == (Severity.WARNING, Severity.CRITICAL)
    assert early.fingerprint == later.fingerprint == "error_drift:1:US:IBM"
    assert "Page-Hinkley found" in early.detail
    assert "ADWIN and Page-Hinkley found" in later.detail
    assert (early.value or 0) > (early.threshold or 0)


def test_it_is_over_when_the_new_level_has_lasted(subject: Subject) -> None:
    assert observe(subject, series(made((300, 1.0), (150, 3.0)))).conditions == []


def test_overlapping_periods_count_once(subject: Subject) -> None:
    few = observe(subject, series(made((100, 1.0)), horizon=5))
    assert (few.numbers, few.conditions) == ([], [])


def test_the_model_that_serves_is_asked_for_and_without_one_nothing_is(subject: Subject, unserved: Subject) -> None:
    errors = Errors()
    ErrorDriftWatch(errors).observe(subject)
    ErrorDriftWatch(errors).observe(unserved)
    assert errors.asked == [(Instrument("US", "IBM"), "stock-US-IBM", "3")]
