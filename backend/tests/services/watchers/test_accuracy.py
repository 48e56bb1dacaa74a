from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from stock_kit.model_settings import MonitoringSettings
from stock_mlops.services.watchers.accuracy import AccuracyWatch, AgeWatch
from stock_mlops.services.watchers.base import Number, Observation, Subject
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy


def rolling(**values: Any) -> RollingAccuracy:
    known: dict[str, Any] = {
        "exchange": "US",
        "ticker": "IBM",
        "model_name": "stock-US-IBM",
        "model_version": "3",
        "horizon": 1,
        "window": 60,
        "n": 60,
        "first_session": date(2012, 4, 2),
        "last_session": date(2012, 6, 29),
        "rmse": 0.012,
        "mae": 0.009,
        "bias": 0.0003,
        "skill": 0.01,
        "hit_rate": 0.52,
        "level": 0.9,
        "coverage": 0.9,
        "width": 0.05,
    }
    return RollingAccuracy(**known | values)


class Outcomes:
    def __init__(self, *rows: RollingAccuracy) -> None:
        self.rows = rows
        self.asked: list[tuple[AccuracyFilter, Sequence[int]]] = []

    def rolling(
        self, wanted: AccuracyFilter, windows: Sequence[int] = (60,), limit: int = 500
    ) -> Sequence[RollingAccuracy]:
        self.asked.append((wanted, windows))
        return self.rows


def observe(subject: Subject, *rows: RollingAccuracy) -> Observation:
    return AccuracyWatch(Outcomes(*rows), MonitoringSettings()).observe(subject)


def test_errors_and_coverage_are_told_by_horizon(subject: Subject) -> None:
    seen = observe(subject, rolling(), rolling(horizon=5, coverage=0.8, skill=None))
    assert Number("accuracy", "1", "rmse", 0.012) in seen.numbers
    assert Number("accuracy", "5", "bias", 0.0003) in seen.numbers
    assert Number("coverage", "5", "0.9", 0.8, 0.9) in seen.numbers
    assert ("5", "skill") not in {(number.part, number.measure) for number in seen.numbers}
    assert seen.conditions == []


def test_only_the_version_that_serves_is_judged(subject: Subject) -> None:
    outcomes = Outcomes(rolling(model_version="2", coverage=0.1), rolling(model_version=None))
    seen = AccuracyWatch(outcomes, MonitoringSettings()).observe(subject)
    assert (seen.numbers, seen.conditions) == ([], [])
    assert outcomes.asked == [(AccuracyFilter("US", "IBM", "stock-US-IBM"), (60,))]


@pytest.mark.parametrize(("coverage", "n", "horizon", "told"), [
    (0.78, 60, 1, True), (0.79, 60, 1, False),
    (0.78, 60, 5, False), (0.5, 60, 5, True),  # overlapping outcomes count once
    (0.5, 19, 1, False), (1.0, 60, 1, False), (1.0, 250, 1, True),
])  # fmt: skip
def test_coverage_is_off_when_chance_does_not_explain_it(
    subject: Subject, coverage: float, n: int, horizon: int, told: bool
) -> None:
    seen = observe(subject, rolling(coverage=coverage, n=n, horizon=horizon))
    assert bool(seen.conditions) is told
    for found in seen.conditions:
        assert found.fingerprint == f"coverage:{horizon}:US:IBM"
        assert found.value == coverage
        assert found.threshold is not None
        assert (found.threshold < 0.9) is (coverage < 0.9)


@pytest.mark.parametrize(("bias", "horizon", "told"), [(0.005, 1, True), (-0.005, 1, True), (0.003, 1, False),
                                                       (0.005, 5, False)])  # fmt: skip
def test_forecasts_are_biased_when_chance_does_not_explain_it(
    subject: Subject, bias: float, horizon: int, told: bool
) -> None:
    seen = observe(subject, rolling(bias=bias, horizon=horizon))
    assert [found.fingerprint for found in seen.conditions] == ([f"bias:{horizon}:US:IBM"] if told else [])
    if told:
        assert ("high" in seen.conditions[0].title) is (bias > 0)


def test_without_a_model_nothing_is_asked(unserved: Subject) -> None:
    assert observe(unserved, rolling(coverage=0.1)) == Observation()


def test_a_model_is_stale_the_session_after_its_expiry(subject: Subject) -> None:
    age = subject.instrument.sessions.count(date(2011, 12, 30), subject.last_session)
    fresh, stale = AgeWatch(age).observe(subject), AgeWatch(age - 1).observe(subject)
    assert fresh == Observation([Number("age", "", "sessions", float(age), float(age))])
    (found,) = stale.conditions
    assert found.fingerprint == "stale_model:US:IBM"
    assert "2011-12-30" in found.detail
    later = replace(subject, last_session=subject.instrument.sessions.next(subject.last_session))
    assert AgeWatch(age).observe(later).conditions
