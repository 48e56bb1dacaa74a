from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import ClassVar

import pytest
from stock_kit.events import AlertEvent, MetricsEvent, PredictionEvent, Severity
from ws_monitor.detectors.outlier import ForecastOutlier
from ws_monitor.detectors.registry import COOL_DOWN, DETECTORS, Detectors
from ws_monitor.detectors.service_down import ServiceDown

MakePrediction = Callable[..., PredictionEvent]
MakeMetrics = Callable[..., MetricsEvent]


def usual(make: MakePrediction, detector: ForecastOutlier, count: int = 40) -> list[AlertEvent]:
    """Feed forecasts of a normal distribution, 1 % wide; the alerts that they raise."""
    random = Random(7)
    events = [make(predicted_return=random.gauss(0, 0.01)) for _ in range(count)]
    return [alert for event in events for alert in detector.on_prediction(event)]


def test_usual_forecasts_raise_nothing(make_prediction: MakePrediction) -> None:
    assert usual(make_prediction, ForecastOutlier(), count=300) == []


@pytest.mark.parametrize("value", [0.3, -0.3])
def test_a_forecast_far_outside_raises_an_alert_that_says_how_far(
    make_prediction: MakePrediction, value: float
) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector)
    event = make_prediction(predicted_return=value, predicted_close=100 * (1 + value))
    (alert,) = detector.on_prediction(event)
    assert (alert.severity, alert.key, alert.raised_at) == (Severity.WARNING, "US:AAPL", event.made_at)
    assert alert.value is not None
    assert alert.threshold is not None
    assert abs(alert.value) > alert.threshold
    assert (alert.value > 0) == (value > 0)
    assert f"{value:+.2%}" in alert.detail


def test_too_few_forecasts_say_nothing_about_what_is_usual(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector, count=19)
    assert list(detector.on_prediction(make_prediction(predicted_return=0.3))) == []


def test_asking_often_for_one_session_does_not_shrink_the_spread(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier(window=30)
    usual(make_prediction, detector, count=30)
    for _ in range(200):
        detector.on_prediction(make_prediction(predicted_return=0.0, as_of=date(2013, 1, 2)))
    assert list(detector.on_prediction(make_prediction(predicted_return=0.02))) == []


def test_a_smooth_models_first_small_step_is_no_outlier(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    for _ in range(40):
        detector.on_prediction(make_prediction(predicted_return=0.0))
    assert list(detector.on_prediction(make_prediction(predicted_return=0.01))) == []


def test_a_new_model_version_is_judged_by_its_own_forecasts(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector)
    assert list(detector.on_prediction(make_prediction(predicted_return=0.3, model_version="2"))) == []


def test_horizons_have_series_of_their_own(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector)
    assert list(detector.on_prediction(make_prediction(predicted_return=0.3, horizon=5))) == []


def test_a_service_is_down_after_three_failures_in_a_row(make_metrics: MakeMetrics) -> None:
    detector = ServiceDown()
    seen = [False, False, True, False, False, False, False]
    raised = [[alert.title for alert in detector.on_metrics(make_metrics(up=up))] for up in seen]
    assert raised == [[], [], [], [], [], ["backend1 does not answer"], []]


def test_a_service_that_is_back_is_told_once(make_metrics: MakeMetrics) -> None:
    detector = ServiceDown()
    for _ in range(5):
        detector.on_metrics(make_metrics(up=False))
    (alert,) = detector.on_metrics(make_metrics())
    assert (alert.severity, alert.title) == (Severity.INFO, "backend1 answers again")
    assert list(detector.on_metrics(make_metrics())) == []


def test_services_are_counted_apart(make_metrics: MakeMetrics) -> None:
    detector = ServiceDown()
    names = ("backend1", "backend2", "backend1", "backend2")
    assert [alert for name in names for alert in detector.on_metrics(make_metrics(name, up=False))] == []


def test_the_same_event_is_inspected_once_and_its_alert_has_the_same_id_elsewhere(make_metrics: MakeMetrics) -> None:
    events = [make_metrics(up=False) for _ in range(3)]
    here, elsewhere = Detectors(), Detectors()
    first = [alert for event in events for alert in here.inspect(event)]
    again = [alert for event in events for alert in here.inspect(event)]
    other = [alert for event in events for alert in elsewhere.inspect(event)]
    assert (len(first), again) == (1, [])
    assert first == other


def test_a_condition_that_flaps_is_told_once_per_cool_down(make_metrics: MakeMetrics) -> None:
    detectors = Detectors()
    start = make_metrics().scraped_at
    alerts = []
    for second in range(0, 2 * int(COOL_DOWN.total_seconds()), 5):
        up = second % 20 == 15
        event = make_metrics(up=up, scraped_at=start + timedelta(seconds=second))
        alerts += [alert for alert in detectors.inspect(event) if alert.severity is Severity.CRITICAL]
    assert len(alerts) == 2


class Broken:
    name: ClassVar[str] = "broken"

    def on_prediction(self, event: PredictionEvent) -> list[AlertEvent]:
        raise ZeroDivisionError

    def on_metrics(self, event: MetricsEvent) -> list[AlertEvent]:
        raise ZeroDivisionError


def test_a_detector_that_fails_does_not_silence_the_others(make_metrics: MakeMetrics) -> None:
    detectors = Detectors([Broken(), ServiceDown(after=1)])
    assert [alert.detector for alert in detectors.inspect(make_metrics(up=False))] == ["service_down"]


@pytest.mark.parametrize("make", DETECTORS)
def test_no_detector_judges_by_a_single_event(
    make: Callable[[], ForecastOutlier], make_prediction: MakePrediction, make_metrics: MakeMetrics
) -> None:
    detector = make()
    assert detector.name
    events: list[AlertEvent] = [
        *detector.on_prediction(make_prediction()),
        *detector.on_metrics(make_metrics(up=False)),
    ]
    assert events == []
