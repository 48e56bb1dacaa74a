"""From a record's bytes to its event, once for the hub and the sink, which both read every prediction."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from stock_kit.events import AlertEvent, Event, MetricsEvent, PredictionEvent, Topic

from ws_monitor.records import Record

MODELS: Mapping[str, type[Event]] = {
    str(Topic.PREDICTIONS): PredictionEvent,
    str(Topic.METRICS): MetricsEvent,
    str(Topic.ALERTS): AlertEvent,
}
# A second of predictions at full load, some kilobytes each: one reader is rarely further behind the other.
_AT_HAND = 2048


def decode(record: Record) -> Event:
    """The event, which nobody may change; it may be shared.

    Raises:
        pydantic.ValidationError: it is none of the topic's.
    """
    if record.topic == Topic.PREDICTIONS:
        return _prediction(record.value)
    return MODELS[record.topic].model_validate_json(record.value)


@lru_cache(_AT_HAND)
def _prediction(value: bytes) -> PredictionEvent:
    return PredictionEvent.model_validate_json(value)
