"""What a detector is, and how it builds an alert."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

from stock_kit.events import AlertEvent, MetricsEvent, PredictionEvent


class Detector(Protocol):
    """Looks at every event of the keys whose partitions this replica holds, in order, each event once."""

    name: ClassVar[str]

    def on_prediction(self, event: PredictionEvent) -> Iterable[AlertEvent]: ...

    def on_metrics(self, event: MetricsEvent) -> Iterable[AlertEvent]: ...


def alert_id(fingerprint: str, raised_at: datetime) -> UUID:
    """The same alert gets the same id when the event that raised it is read twice."""
    return uuid5(NAMESPACE_URL, f"stock-alert:{fingerprint}:{raised_at.isoformat()}")
