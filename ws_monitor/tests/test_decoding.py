from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError
from stock_kit.events import MetricsEvent, PredictionEvent, Topic
from ws_monitor.decoding import decode
from ws_monitor.records import Record


def record(topic: Topic, value: bytes, offset: int = 0) -> Record:
    return Record(str(topic), 0, offset, 0, value)


def test_a_prediction_is_decoded_once_for_all_who_read_it(make_prediction: Callable[..., PredictionEvent]) -> None:
    event = make_prediction()
    value = event.model_dump_json().encode()
    assert decode(record(Topic.PREDICTIONS, value)) == event
    # Another reader has bytes of its own, and so has a message that was sent again.
    assert decode(record(Topic.PREDICTIONS, bytes(bytearray(value)), 7)) is decode(record(Topic.PREDICTIONS, value))


def test_large_messages_are_not_kept(make_metrics: Callable[..., MetricsEvent]) -> None:
    event = make_metrics()
    told = record(Topic.METRICS, event.model_dump_json().encode())
    assert decode(told) == event
    assert decode(told) is not decode(told)


@pytest.mark.parametrize("topic", [Topic.PREDICTIONS, Topic.METRICS, Topic.ALERTS])
def test_what_is_none_of_the_topics_events_is_refused_every_time(topic: Topic) -> None:
    for _ in range(2):
        with pytest.raises(ValidationError):
            decode(record(topic, b'{"type": "something"}'))
