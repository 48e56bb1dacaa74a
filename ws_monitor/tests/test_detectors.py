from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from random import Random
from typing import ClassVar

import pytest
from stock_kit.events import MetricsEvent, PredictionEvent, Severity, SignalEvent
from ws_monitor.detectors.base import CONFIRM_EVERY, Detector
from ws_monitor.detectors.metrics_anomaly import MetricsAnomaly
from ws_monitor.detectors.outlier import ForecastOutlier
from ws_monitor.detectors.registry import DETECTORS, Detectors
from ws_monitor.detectors.service_down import ServiceDown
from ws_monitor.detectors.source_silent import SourceSilent

MakePrediction = Callable[..., PredictionEvent]
MakeMetrics = Callable[..., MetricsEvent]


def held(signals: Iterable[SignalEvent]) -> list[SignalEvent]:
    return [signal for signal in signals if signal.holds]


def usual(make: MakePrediction, detector: ForecastOutlier, count: int = 40) -> list[SignalEvent]:
    """Feed forecasts of a normal distribution, 1 % wide; what is said to be unusual."""
    random = Random(7)
    events = [make(predicted_return=random.gauss(0, 0.01)) for _ in range(count)]
    return held(signal for event in events for signal in detector.on_prediction(event))


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
    assert (alert.holds, alert.severity, alert.key, alert.seen_at) == (True, Severity.WARNING, "US:AAPL", event.made_at)
    assert alert.value is not None
    assert alert.threshold is not None
    assert abs(alert.value) > alert.threshold
    assert (alert.value > 0) == (value > 0)
    assert f"{value:+.2%}" in alert.detail


def test_a_usual_forecast_of_a_later_session_ends_it(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector)
    outlier = make_prediction(predicted_return=0.3)
    (raised,) = detector.on_prediction(outlier)
    assert list(detector.on_prediction(make_prediction(predicted_return=0.3, as_of=outlier.as_of))) == []
    (over,) = detector.on_prediction(make_prediction(predicted_return=0.001))
    assert (over.holds, over.fingerprint) == (False, raised.fingerprint)


def test_a_forecast_that_changes_within_its_session_is_judged_anew(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector)
    sound = make_prediction(predicted_return=0.001)
    assert held(detector.on_prediction(sound)) == []
    (broken,) = detector.on_prediction(make_prediction(predicted_return=0.3, as_of=sound.as_of))
    (mended,) = detector.on_prediction(make_prediction(predicted_return=0.001, as_of=sound.as_of))
    assert (broken.holds, mended.holds) == (True, False)


def test_too_few_forecasts_say_nothing_about_what_is_usual(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector, count=19)
    assert list(detector.on_prediction(make_prediction(predicted_return=0.3))) == []


def test_asking_often_for_one_session_does_not_shrink_the_spread(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier(window=30)
    usual(make_prediction, detector, count=30)
    for _ in range(200):
        detector.on_prediction(make_prediction(predicted_return=0.0, as_of=date(2013, 1, 2)))
    assert held(detector.on_prediction(make_prediction(predicted_return=0.02))) == []


def test_a_smooth_models_first_small_step_is_no_outlier(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    for _ in range(40):
        detector.on_prediction(make_prediction(predicted_return=0.0))
    assert held(detector.on_prediction(make_prediction(predicted_return=0.01))) == []


def test_a_new_model_version_is_judged_by_its_own_forecasts(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector)
    assert list(detector.on_prediction(make_prediction(predicted_return=0.3, model_version="2"))) == []


def test_horizons_have_series_of_their_own(make_prediction: MakePrediction) -> None:
    detector = ForecastOutlier()
    usual(make_prediction, detector)
    assert list(detector.on_prediction(make_prediction(predicted_return=0.3, horizon=5))) == []


def test_a_service_is_down_after_three_failures_in_a_row_until_it_answers(make_metrics: MakeMetrics) -> None:
    detector = ServiceDown()
    seen = [True, False, False, True, False, False, False, False, True]
    judged = [[signal.holds for signal in detector.on_metrics(make_metrics(up=up))] for up in seen]
    assert judged == [[False], [], [], [False], [], [], [True], [True], [False]]


def test_a_service_that_has_not_answered_yet_may_be_starting_for_two_minutes(make_metrics: MakeMetrics) -> None:
    detector = ServiceDown()
    judged = [[signal.holds for signal in detector.on_metrics(make_metrics(up=False))] for _ in range(25)]
    assert judged == [*([[]] * 23), [True], [True]]


def test_services_are_counted_apart(make_metrics: MakeMetrics) -> None:
    detector = ServiceDown()
    names = ("backend1", "backend2", "backend1", "backend2")
    assert [alert for name in names for alert in detector.on_metrics(make_metrics(name, up=False))] == []


def test_the_same_event_is_inspected_once_and_says_the_same_elsewhere(make_metrics: MakeMetrics) -> None:
    events = [make_metrics(), *(make_metrics(up=False) for _ in range(3))]
    here, elsewhere = Detectors(), Detectors()
    first = [signal for event in events for signal in here.inspect(event)]
    again = [signal for event in events for signal in here.inspect(event)]
    other = [signal for event in events for signal in elsewhere.inspect(event)]
    assert (len(held(first)), again) == (1, [])
    assert first == other


def test_what_holds_is_said_at_once_and_then_once_a_minute_and_its_end_at_once(make_metrics: MakeMetrics) -> None:
    detectors = Detectors([ServiceDown(starting=1)])
    start = make_metrics().scraped_at
    said = []
    for second in range(0, 150, 5):
        event = make_metrics(up=second == 145, scraped_at=start + timedelta(seconds=second))
        said += [(second, signal.holds) for signal in detectors.inspect(event)]
    assert timedelta(minutes=1) == CONFIRM_EVERY
    assert said == [(0, True), (60, True), (120, True), (145, False)]


def test_a_replica_that_sees_a_well_service_first_says_so_once(make_metrics: MakeMetrics) -> None:
    """Its predecessor may have seen the service fail, and nobody come back."""
    detectors = Detectors([ServiceDown()])
    assert [[signal.holds for signal in detectors.inspect(make_metrics())] for _ in range(3)] == [[False], [], []]


def test_a_service_is_silent_when_others_are_heard_and_it_is_not(make_metrics: MakeMetrics) -> None:
    detector = SourceSilent(after=timedelta(minutes=1))
    start = make_metrics().scraped_at
    silent: dict[int, list[str]] = {}
    for second in range(0, 180, 5):
        names = ["backend1"] if 20 <= second < 120 else ["backend1", "backend2"]
        for name in names:
            signals = detector.on_metrics(make_metrics(name, scraped_at=start + timedelta(seconds=second)))
            silent.setdefault(second, []).extend(signal.subject for signal in held(signals))
    assert [second for second, subjects in silent.items() if subjects] == list(range(80, 121, 5))
    assert {subject for subjects in silent.values() for subject in subjects} == {"backend2"}


def test_an_outage_of_the_stream_itself_makes_nobody_silent(make_metrics: MakeMetrics) -> None:
    detector = SourceSilent()
    start = make_metrics().scraped_at
    for second in (0, 5, 900, 905):
        for name in ("backend1", "backend2"):
            event = make_metrics(name, scraped_at=start + timedelta(seconds=second))
            assert held(detector.on_metrics(event)) == []


def scrapes(make: MakeMetrics, errors: Iterable[int], requests: int = 100) -> list[MetricsEvent]:
    """A service that answers ``requests`` between two scrapes, ``errors`` of them with 500."""
    served = failed = 0
    events = []
    for count in errors:
        served, failed = served + requests - count, failed + count
        samples = {
            'http_requests_total{method="GET",route="/x",status="200"}': float(served),
            'http_requests_total{method="GET",route="/x",status="500"}': float(failed),
        }
        events.append(make(samples=samples))
    return events


def judged(detector: Detector, events: Iterable[MetricsEvent]) -> list[bool | None]:
    found = [list(detector.on_metrics(event)) for event in events]
    return [signals[0].holds if signals else None for signals in found]


def test_an_error_rate_that_stays_up_is_told_after_thirty_seconds_and_its_end_too(make_metrics: MakeMetrics) -> None:
    errors = [index % 2 for index in range(100)] + [20] * 12 + [0] * 12
    verdicts = judged(MetricsAnomaly(), scrapes(make_metrics, errors))
    assert True not in verdicts[:105]
    assert verdicts[105:112] == [True] * 7
    assert verdicts[117:] == [False] * 7


def test_a_single_bad_scrape_is_no_anomaly(make_metrics: MakeMetrics) -> None:
    errors = [0] * 80 + [50] + [0] * 20 + [50] + [0] * 20
    assert True not in judged(MetricsAnomaly(), scrapes(make_metrics, errors))


def test_a_share_of_next_to_no_requests_says_nothing(make_metrics: MakeMetrics) -> None:
    assert set(judged(MetricsAnomaly(), scrapes(make_metrics, [0] * 80 + [3] * 30, requests=3))) == {None}


def test_a_restart_of_the_service_which_resets_its_counters_says_nothing(make_metrics: MakeMetrics) -> None:
    events = [*scrapes(make_metrics, [1] * 90), *scrapes(make_metrics, [1] * 30)]
    assert True not in judged(MetricsAnomaly(), events)


def test_latency_and_outbox_are_watched_too(make_metrics: MakeMetrics) -> None:
    detector = MetricsAnomaly()
    served, spent, seen = 0.0, 0.0, set()
    for index in range(120):
        bad = index >= 100
        served, spent = served + 50, spent + 50 * (0.5 if bad else 0.01)
        samples = {
            'http_request_duration_seconds_count{method="GET",route="/x"}': served,
            'http_request_duration_seconds_sum{method="GET",route="/x"}': spent,
            "stock_outbox_rows": 900.0 if bad else 3.0,
        }
        seen |= {signal.fingerprint for signal in held(detector.on_metrics(make_metrics(samples=samples)))}
    assert seen == {"metrics_anomaly:backend1:latency", "metrics_anomaly:backend1:outbox"}


class Broken:
    name: ClassVar[str] = "broken"

    def on_prediction(self, event: PredictionEvent) -> list[SignalEvent]:
        raise ZeroDivisionError

    def on_metrics(self, event: MetricsEvent) -> list[SignalEvent]:
        raise ZeroDivisionError

    def forget(self) -> None:
        pass


def test_a_detector_that_fails_does_not_silence_the_others(make_metrics: MakeMetrics) -> None:
    detectors = Detectors([Broken(), ServiceDown(starting=1)])
    assert [signal.detector for signal in detectors.inspect(make_metrics(up=False))] == ["service_down"]


@pytest.mark.parametrize("make", DETECTORS)
def test_no_detector_judges_by_a_single_event(
    make: Callable[[], Detector], make_prediction: MakePrediction, make_metrics: MakeMetrics
) -> None:
    detector = make()
    assert detector.name
    events = [*detector.on_prediction(make_prediction()), *detector.on_metrics(make_metrics(up=False))]
    assert held(events) == []
