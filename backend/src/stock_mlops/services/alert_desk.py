"""The alert desk: makes alerts of what checks and stream detectors see, each condition one alert, in all processes.

An event about every change is recorded with the change and sent at once; the outbox's relay sends it again until
ClickHouse has it. So an alert that is raised while Kafka is down arrives later, once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from stock_kit.clock import wall_now
from stock_kit.events import AlertChange, AlertEvent, SignalEvent, Topic
from stock_kit.logging import get_logger
from stock_kit.service_settings import AlertSettings

from stock_mlops.errors import NotFoundError
from stock_mlops.services.alert_metrics import ALERTS, ALERTS_RESOLVED
from stock_mlops.services.alert_rules import Observation, Outcome, acknowledge, fold, observed, resolve
from stock_mlops.services.alerting import Condition
from stock_mlops.services.prediction import Sender
from stock_mlops.stores.alerts import Alert, AlertChanges

log = get_logger(__name__)


class AlertTable(Protocol):
    """``stores.alerts.Alerts``, or its twin in memory."""

    def changing(self) -> AbstractContextManager[AlertChanges]: ...


class AlertDesk:
    """An :class:`stock_mlops.services.alerting.AlertReporter`; safe to share between threads.

    Args:
        sender: hands events to Kafka; None leaves that to the outbox's relay, which takes some seconds.
    """

    def __init__(
        self,
        table: AlertTable,
        sender: Sender | None,
        settings: AlertSettings,
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        self._table = table
        self._sender = sender
        self._cool_down = settings.cool_down
        self._expire_after = settings.expire_after
        self._now = now

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        """See :class:`stock_mlops.services.alerting.AlertReporter`."""
        if strange := sorted({condition.subject for condition in conditions} - set(subjects)):
            raise ValueError(f"{detector}: expected conditions about {sorted(subjects)}, got some about {strange}")
        at = self._now()
        seen = [
            Observation(detector=detector, condition=item, holds=True, at=at, lasts=self._expire_after)
            for item in conditions
        ]
        held = {condition.fingerprint for condition in conditions}

        def change(alerts: AlertChanges) -> list[AlertEvent]:
            # What another process has seen since this one looked is not over.
            known = [alert for alert in alerts.firing(detector, subjects) if alert.seen_at <= at]
            over = [alert for alert in known if alert.fingerprint not in held]
            ended = [resolve(alert, at, "The check that raised it finds it no longer.") for alert in over]
            return [*_write(alerts, ended), *self._fold(alerts, seen)]

        self._change(change)

    def observe(self, signals: Sequence[SignalEvent]) -> None:
        """Take in what stream detectors saw, in their order; what was taken in before changes nothing."""
        if signals:
            self._change(lambda alerts: self._fold(alerts, [observed(signal) for signal in signals]))

    def expire(self, heard_until: datetime) -> int:
        """Resolve alerts that nobody has confirmed in time; how many those were.

        Args:
            heard_until: all that was said until then (aware) was taken in. What was said since may confirm an alert, so
                that it is also the moment at which they end.
        """

        def change(alerts: AlertChanges) -> list[AlertEvent]:
            over = alerts.expired(heard_until)
            return _write(alerts, [resolve(alert, heard_until, _not_confirmed(alert)) for alert in over])

        return len(self._change(change))

    def acknowledge(self, alert_id: UUID, actor: str, comment: str | None) -> Alert:
        """Note that somebody has seen to an alert.

        Raises:
            NotFoundError: there is no such alert.
        """
        done: list[Alert] = []

        def change(alerts: AlertChanges) -> list[AlertEvent]:
            alert = alerts.get(alert_id)
            if alert is None:
                raise no_alert(alert_id)
            outcome = acknowledge(alert, self._now(), actor, comment)
            done.append(outcome.alert)
            return _write(alerts, [outcome])

        self._change(change)
        return done[0]

    def _fold(self, alerts: AlertChanges, seen: Iterable[Observation]) -> list[AlertEvent]:
        items = list(seen)
        newest = alerts.newest({item.condition.fingerprint for item in items})
        events = []
        for item in items:
            outcome = fold(newest.get(item.condition.fingerprint), item, self._cool_down)
            if outcome is not None:
                newest[item.condition.fingerprint] = outcome.alert
                events += _write(alerts, [outcome])
        return events

    def _change(self, change: Callable[[AlertChanges], list[AlertEvent]]) -> list[AlertEvent]:
        """Run one transaction; tell of what it changed once it is committed."""
        with self._table.changing() as alerts:
            events = change(alerts)
        for event in events:
            _count(event)
            if self._sender is not None:
                self._sender.send(Topic.ALERTS, event)
        return events


def no_alert(alert_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no alert {alert_id}; GET /api/alerts lists those that there are")


def _write(alerts: AlertChanges, outcomes: Iterable[Outcome]) -> list[AlertEvent]:
    written = [alerts.write(outcome.alert, outcome.note) for outcome in outcomes]
    return [event for event in written if event is not None]


def _not_confirmed(alert: Alert) -> str:
    return f"Not seen again since {alert.seen_at.isoformat(timespec='seconds')}."


def _count(event: AlertEvent) -> None:
    if event.change is AlertChange.RAISED:
        ALERTS.labels(event.detector, event.severity).inc()
    elif event.change is AlertChange.RESOLVED:
        ALERTS_RESOLVED.labels(event.detector).inc()
    log.info(
        "alert_changed",
        change=event.change,
        alert_id=str(event.alert_id),
        detector=event.detector,
        severity=event.severity,
        subject=event.subject,
    )
