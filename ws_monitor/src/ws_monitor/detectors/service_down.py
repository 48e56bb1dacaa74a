"""A service that stopped answering, and that answers again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from stock_kit.events import AlertEvent, MetricsEvent, PredictionEvent, Severity

from ws_monitor.detectors.base import alert_id


class ServiceDown:
    """Raises after ``after`` scrapes in a row without an answer, and says so when the service is back."""

    name: ClassVar[str] = "service_down"

    def __init__(self, *, after: int = 3) -> None:
        self._after = after
        self._failures: dict[str, int] = {}

    def on_prediction(self, event: PredictionEvent) -> Iterable[AlertEvent]:  # noqa: ARG002  the protocol's
        return ()

    def on_metrics(self, event: MetricsEvent) -> Iterable[AlertEvent]:
        failures = self._failures.get(event.service, 0)
        if event.up:
            self._failures[event.service] = 0
            return (self._resolved(event),) if failures >= self._after else ()
        self._failures[event.service] = failures + 1
        return (self._down(event),) if failures + 1 == self._after else ()

    def _down(self, event: MetricsEvent) -> AlertEvent:
        detail = f"{event.instance} failed {self._after} scrapes in a row: {event.error or 'no reason given'}."
        return self._alert(event, Severity.CRITICAL, f"{event.service} does not answer", detail)

    def _resolved(self, event: MetricsEvent) -> AlertEvent:
        detail = f"{event.instance} is being scraped again."
        return self._alert(event, Severity.INFO, f"{event.service} answers again", detail)

    def _alert(self, event: MetricsEvent, severity: Severity, title: str, detail: str) -> AlertEvent:
        fingerprint = f"{self.name}:{event.service}"
        return AlertEvent(
            alert_id=alert_id(f"{fingerprint}:{severity}", event.scraped_at),
            fingerprint=fingerprint,
            severity=severity,
            detector=self.name,
            title=title,
            detail=detail,
            raised_at=event.scraped_at,
            service=event.service,
            threshold=float(self._after),
        )
