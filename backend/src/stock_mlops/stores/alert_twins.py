"""Alerts and their deliveries in memory, for tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from stock_kit.events import AlertEvent, AlertState, Severity

from stock_mlops.stores.alert_deliveries import Claim, Told
from stock_mlops.stores.alerts import Alert, AlertChanges, AlertFilter, AlertPage, HistoryEntry, Note, event_of
from stock_mlops.stores.cursor import Cursor


class MemoryAlerts:
    """See :class:`stock_mlops.stores.alerts.Alerts`; a block that raises changes nothing."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Alert] = {}
        self.changes: dict[UUID, list[HistoryEntry]] = {}
        self.events: list[AlertEvent] = []

    @contextmanager
    def changing(self) -> Iterator[AlertChanges]:
        before = (dict(self.rows), {key: list(entries) for key, entries in self.changes.items()}, list(self.events))
        try:
            yield self
        except BaseException:
            self.rows, self.changes, self.events = before
            raise

    def newest(self, fingerprints: Collection[str]) -> dict[str, Alert]:
        ordered = sorted(self.rows.values(), key=lambda alert: alert.raised_at)
        return {alert.fingerprint: alert for alert in ordered if alert.fingerprint in fingerprints}

    def firing(self, detector: str, subjects: Collection[str]) -> list[Alert]:
        return [alert for alert in self._firing() if alert.detector == detector and alert.subject in subjects]

    def expired(self, at: datetime) -> list[Alert]:
        return [alert for alert in self._firing() if alert.expires_at < at]

    def get(self, alert_id: UUID) -> Alert | None:
        return self.rows.get(alert_id)

    def write(self, alert: Alert, note: Note | None = None) -> AlertEvent | None:
        same = [other for other in self._firing() if other.fingerprint == alert.fingerprint and other.id != alert.id]
        if same and alert.state is AlertState.FIRING:
            raise ValueError(f"{alert.fingerprint}: a second open alert")
        self.rows[alert.id] = alert
        if note is None:
            return None
        entry = HistoryEntry(alert.revision, note.change, alert.changed_at, alert.severity, note.actor, note.detail)
        self.changes.setdefault(alert.id, []).append(entry)
        self.events.append(event_of(alert, note.change))
        return self.events[-1]

    def history(self, alert_id: UUID) -> list[HistoryEntry]:
        return self.changes.get(alert_id, [])

    def page(self, wanted: AlertFilter, limit: int, cursor: Cursor | None = None) -> AlertPage:
        found = [alert for alert in self.rows.values() if _matches(alert, wanted)]
        found.sort(key=lambda alert: (alert.raised_at, alert.id), reverse=True)
        if cursor is not None:
            found = [alert for alert in found if (alert.raised_at, alert.id) < (cursor.at, cursor.id)]
        more, found = len(found) > limit, found[:limit]
        return AlertPage(found, Cursor(found[-1].raised_at, found[-1].id) if more else None)

    def open_counts(self) -> dict[Severity, int]:
        firing = self._firing()
        return {severity: sum(alert.severity is severity for alert in firing) for severity in Severity}

    def _firing(self) -> list[Alert]:
        return [alert for alert in self.rows.values() if alert.state is AlertState.FIRING]


def _matches(alert: Alert, wanted: AlertFilter) -> bool:
    plain = ("state", "severity", "detector", "exchange", "ticker", "service")
    return (
        all(getattr(wanted, name) in (None, getattr(alert, name)) for name in plain)
        and wanted.acknowledged in (None, alert.acknowledged_at is not None)
        and (wanted.since is None or alert.changed_at >= wanted.since)
    )


class MemoryDeliveries:
    """What is due is what a test put into ``due``."""

    def __init__(self) -> None:
        self.due: list[Claim] = []
        self.known: list[Told] = []
        self.failures: list[tuple[str, timedelta | None]] = []

    def claim(self, receiver: str, limit: int, lease: timedelta) -> list[Claim]:  # noqa: ARG002  the protocol's
        claimed, self.due = self.due[:limit], self.due[limit:]
        return claimed

    def told(self, receiver: str, told: Iterable[Told]) -> None:  # noqa: ARG002  the protocol's
        self.known += told

    def failed(self, receiver: str, alert_ids: Sequence[UUID], error: str, retry_in: timedelta | None) -> None:  # noqa: ARG002
        self.failures.append((error, retry_in))
