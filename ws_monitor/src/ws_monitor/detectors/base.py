"""What a detector is, and how it says what it sees."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar, Protocol

from stock_kit.events import MetricsEvent, PredictionEvent, SignalEvent

CONFIRM_EVERY = timedelta(minutes=1)
"""A condition that holds is said again so often, so that a lost message or a restart is made good for."""
LASTS = timedelta(minutes=10)
"""A condition that is watched by the second counts as over when nobody confirms it for so long."""


class Detector(Protocol):
    """Looks at every event of the keys whose partitions this replica holds, in order, each event once.

    It says at each look what it judges, that a condition holds or that it does not; the registry passes on what is
    news. Before it has seen enough to judge it says nothing.
    """

    name: ClassVar[str]

    def on_prediction(self, event: PredictionEvent) -> Iterable[SignalEvent]: ...

    def on_metrics(self, event: MetricsEvent) -> Iterable[SignalEvent]: ...

    def forget(self) -> None:
        """Partitions were handed out anew: events may have gone to another replica meanwhile."""
