"""A service of which nothing is heard any more, while others are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import ClassVar

from stock_kit.events import MetricsEvent, PredictionEvent, Severity, SignalEvent

from ws_monitor.detectors.base import LASTS


class SourceSilent:
    """A service is silent when its last scrape is ``after`` older than that of another one.

    Time is the stream's, so that an outage of the broker, which silences all, says nothing about any of them. A service
    that has been silent for ``given_up`` was taken out on purpose.
    """

    name: ClassVar[str] = "source_silent"

    def __init__(self, *, after: timedelta = timedelta(minutes=1), given_up: timedelta = timedelta(hours=1)) -> None:
        self._after = after
        self._given_up = given_up
        self._heard: dict[str, datetime] = {}
        self._newest: datetime | None = None

    def on_prediction(self, event: PredictionEvent) -> Iterable[SignalEvent]:  # noqa: ARG002  the protocol's
        return ()

    def on_metrics(self, event: MetricsEvent) -> Iterable[SignalEvent]:
        now = event.scraped_at
        if self._newest is not None and now - self._newest > self._after:
            self.forget()  # nothing came from anybody: the stream was interrupted
        self._newest = max(now, self._newest or now)
        self._heard[event.service] = now
        return list(self._judge(event.service, self._newest))

    def forget(self) -> None:
        self._heard.clear()
        self._newest = None

    def _judge(self, heard: str, now: datetime) -> Iterator[SignalEvent]:
        yield self._signal(heard, False, now, "Its metrics arrive again.")
        for service, last in list(self._heard.items()):
            if now - last > self._given_up:
                del self._heard[service]
            elif now - last > self._after:
                since = f"Its last metrics are of {last:%H:%M:%S} UTC, while other services' arrive."
                yield self._signal(service, True, now, since)

    def _signal(self, service: str, holds: bool, at: datetime, detail: str) -> SignalEvent:
        return SignalEvent(
            detector=self.name,
            fingerprint=f"{self.name}:{service}",
            subject=service,
            holds=holds,
            severity=Severity.WARNING,
            title=f"Nothing is heard of {service}",
            detail=detail,
            seen_at=at,
            lasts_seconds=LASTS.total_seconds(),
            service=service,
            threshold=self._after.total_seconds(),
        )
