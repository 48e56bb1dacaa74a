from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from stock_kit.events import AlertEvent, Event, MetricsEvent, PredictionEvent, Severity

NOW = datetime(2012, 8, 1, 20, tzinfo=UTC)
ID = UUID("01234567-89ab-cdef-0123-456789abcdef")


def prediction(**overrides: Any) -> PredictionEvent:
    values: dict[str, Any] = {
        "prediction_id": ID,
        "exchange": "US",
        "ticker": "AAPL",
        "made_at": NOW,
        "as_of": date(2012, 8, 1),
        "target_session": date(2012, 8, 2),
        "horizon": 1,
        "last_close": 606.81,
        "predicted_return": 0.001,
        "predicted_close": 607.42,
        "model_name": "random_walk",
        "model_type": "random_walk",
        "feature_version": "f",
        "data_version": "d",
    }
    return PredictionEvent.model_validate(values | overrides)


def alert(**overrides: Any) -> AlertEvent:
    values: dict[str, Any] = {
        "event_id": ID,
        "alert_id": ID,
        "revision": 1,
        "change": "raised",
        "state": "firing",
        "changed_at": NOW,
        "count": 1,
        "subject": "backend1",
        "fingerprint": "x",
        "severity": "warning",
        "detector": "service_down",
        "title": "backend1 does not answer",
        "detail": "",
        "raised_at": NOW,
    }
    return AlertEvent.model_validate(values | overrides)


METRICS = MetricsEvent(service="backend1", instance="127.0.0.1:8001", scraped_at=NOW, up=True, duration_seconds=0.01)


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (prediction(), "US:AAPL"),
        (METRICS, "backend1"),
        (alert(exchange="US", ticker="AAPL"), "US:AAPL"),
        (alert(service="backend1"), "backend1"),
        (alert(), "service_down"),
    ],
)
def test_the_key_keeps_events_about_one_thing_in_order(event: Event, key: str) -> None:
    assert event.key == key


@pytest.mark.parametrize("event", [prediction(lower=600.0, upper=615.0, level=0.9), METRICS, alert()])
def test_an_event_survives_the_wire(event: Event) -> None:
    assert type(event).model_validate_json(event.model_dump_json()) == event


def test_a_consumer_ignores_what_a_newer_producer_adds() -> None:
    text = prediction().model_dump_json()[:-1] + ',"added_later":1}'
    assert PredictionEvent.model_validate_json(text) == prediction()


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        prediction().ticker = "IBM"  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong",
    [
        {"horizon": 0},
        {"last_close": 0},
        {"level": 1.0},
        {"probability_up": 1.1},
        {"origin": "elsewhere"},
        {"made_at": NOW.replace(tzinfo=None)},
    ],
)
def test_an_impossible_prediction_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        prediction(**wrong)


def test_severities_are_written_as_words() -> None:
    assert alert().severity is Severity.WARNING
    assert '"severity":"warning"' in alert().model_dump_json()


def test_severities_have_an_order() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == ["info", "warning", "critical"]
