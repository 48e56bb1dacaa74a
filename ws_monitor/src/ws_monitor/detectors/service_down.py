"""A service that stopped answering, and that answers again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from stock_kit.events import MetricsEvent, PredictionEvent, Severity, SignalEvent

from ws_monitor.detectors.base import LASTS


class ServiceDown:
    """A service is down after ``after`` scrapes in a row without an answer, and up with the first answer.

    One that has not answered yet may still be starting, with the whole platform: it gets ``starting`` scrapes.
    """

    name: ClassVar[str] = "service_down"

    def __init__(self, *, after: int = 3, starting: int = 24) -> None:
        self._after = after
        self._starting = starting
        self._answered: set[str] = set()
        self._failures: dict[str, int] = {}

    def on_prediction(self, event: PredictionEvent) -> Iterable[SignalEvent]:  # noqa: ARG002  the protocol's
        return ()

    def on_metrics(self, event: MetricsEvent) -> Iterable[SignalEvent]:
        failures = 0 if event.up else self._failures.get(event.service, 0) + 1
        self._failures[event.service] = failures
        if event.up:
            self._answered.add(event.service)
            return (self._signal(event, False, f"{event.instance} is being scraped again."),)
        if failures < (self._after if event.service in self._answered else self._starting):
            return ()
        reason = event.error or "no reason given"
        return (self._signal(event, True, f"{event.instance} fails one scrape after the other: {reason}."),)

    def forget(self) -> None:
        """Counts go on where the service is looked at next; an answer in between would only have come sooner."""

    def _signal(self, event: MetricsEvent, holds: bool, detail: str) -> SignalEvent:
        return SignalEvent(
            detector=self.name,
            fingerprint=f"{self.name}:{event.service}",
            subject=event.service,
            holds=holds,
            severity=Severity.CRITICAL,
            title=f"{event.service} does not answer",
            detail=detail,
            seen_at=event.scraped_at,
            lasts_seconds=LASTS.total_seconds(),
            service=event.service,
            threshold=float(self._after),
        )
