"""Alerts: one row per condition that came and went, every change of it, and the event that tells of the change.

A change, its line of history, its event in the outbox and what its receivers are to be told are one transaction. One
transaction at a time changes alerts, so that "is there an open alert about this?" has one answer in all processes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid5

from sqlalchemy import Connection, Engine, Row, text
from stock_kit.events import AlertChange, AlertEvent, AlertState, Severity, Topic

from stock_mlops.stores.alert_deliveries import DeliveryState, ReceiverRule, queue
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.outbox import Outbox, OutboxRow

# Any number that no other user of the database takes as an advisory lock.
_LOCK = 7_315_020_011
# Alerts that one sweep resolves; the next goes on.
_SWEEP = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """How an alert stands."""

    id: UUID
    fingerprint: str
    detector: str
    subject: str
    """What was looked at: ``US:AAPL``, or a service's name."""
    severity: Severity
    state: AlertState
    title: str
    detail: str
    raised_at: datetime
    seen_at: datetime
    """When the condition was last seen to hold."""
    expires_at: datetime
    """The condition counts as over when it is not seen again until then."""
    revision: int
    """Number of its changes."""
    changed_at: datetime
    count: int = 1
    """How often the condition was seen."""
    resolved_at: datetime | None = None
    exchange: str | None = None
    ticker: str | None = None
    service: str | None = None
    value: float | None = None
    threshold: float | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What happened to an alert, in its newest revision."""

    change: AlertChange
    actor: str | None = None
    """Who did it; None: the platform."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    revision: int
    change: AlertChange
    at: datetime
    severity: Severity
    actor: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class AlertFilter:
    state: AlertState | None = None
    severity: Severity | None = None
    detector: str | None = None
    exchange: str | None = None
    ticker: str | None = None
    service: str | None = None
    acknowledged: bool | None = None
    since: datetime | None = None
    """Raised, or changed, at or after it."""


@dataclass(frozen=True, slots=True)
class AlertPage:
    items: list[Alert]
    """The newest first."""
    next_cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """All that is known of an alert."""

    alert: Alert
    history: Sequence[HistoryEntry]
    deliveries: Sequence[DeliveryState]


class AlertChanges(Protocol):
    """Alerts within one transaction, which nobody else changes meanwhile."""

    def newest(self, fingerprints: Collection[str]) -> dict[str, Alert]:
        """Of each fingerprint the alert that was raised last."""
        ...

    def firing(self, detector: str, subjects: Collection[str]) -> list[Alert]: ...

    def expired(self, at: datetime) -> list[Alert]:
        """Firing alerts that nobody has confirmed in time, the oldest first; some of them when there are many."""
        ...

    def get(self, alert_id: UUID) -> Alert | None: ...

    def write(self, alert: Alert, note: Note | None = None) -> AlertEvent | None:
        """Store how an alert stands; with ``note`` it is a change, whose event is recorded and returned."""
        ...


_NAMES = tuple(field.name for field in fields(Alert))
_COLUMNS = ", ".join(_NAMES)
_UPDATES = ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "id")
_UPSERT = f"""
    INSERT INTO alerts ({_COLUMNS}) VALUES ({", ".join(f":{name}" for name in _NAMES)})
    ON CONFLICT (id) DO UPDATE SET {_UPDATES}
"""  # noqa: S608  the columns are constants


def event_of(alert: Alert, change: AlertChange) -> AlertEvent:
    """The event of an alert's newest revision; the same whenever it is made."""
    shared = {name: getattr(alert, name) for name in _NAMES if name in AlertEvent.model_fields}
    event_id = uuid5(alert.id, str(alert.revision))
    return AlertEvent(event_id=event_id, alert_id=alert.id, change=change, **shared)


class Alerts:
    """The tables in model_meta_db.

    Args:
        receivers: who is told of alerts outside of the platform.
    """

    def __init__(self, engine: Engine, receivers: Sequence[ReceiverRule] = ()) -> None:
        self._engine = engine
        self._receivers = tuple(receivers)

    @contextmanager
    def changing(self) -> Iterator[AlertChanges]:
        """A transaction that changes alerts; it commits when the block ends."""
        with self._engine.begin() as tx:
            tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield _Changes(tx, Outbox(self._engine), self._receivers)

    def get(self, alert_id: UUID) -> Alert | None:
        with self._engine.begin() as tx:
            return _get(tx, alert_id)

    def history(self, alert_id: UUID) -> list[HistoryEntry]:
        """Its changes, the oldest first."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT revision, change, at, severity, actor, detail FROM alert_changes
                    WHERE alert_id = :id ORDER BY revision
                """),
                {"id": str(alert_id)},
            ).all()
        return [
            HistoryEntry(row.revision, AlertChange(row.change), row.at, Severity(row.severity), row.actor, row.detail)
            for row in rows
        ]

    def page(self, wanted: AlertFilter, limit: int, cursor: Cursor | None = None) -> AlertPage:
        conditions, parameters = _conditions(wanted, cursor)
        where = " AND ".join(conditions) or "true"
        with self._engine.begin() as tx:
            rows = tx.execute(
                text(f"SELECT {_COLUMNS} FROM alerts WHERE {where} ORDER BY raised_at DESC, id DESC LIMIT :limit"),  # noqa: S608
                {**parameters, "limit": limit + 1},
            ).all()
        alerts = [_alert(row) for row in rows]
        more, alerts = len(alerts) > limit, alerts[:limit]
        return AlertPage(alerts, Cursor(alerts[-1].raised_at, alerts[-1].id) if more else None)

    def open_counts(self) -> dict[Severity, int]:
        """How many alerts fire, by severity; every severity is named."""
        with self._engine.begin() as tx:
            rows = tx.execute(text("SELECT severity, count(*) FROM alerts WHERE state = 'firing' GROUP BY severity"))
            found: dict[str, int] = {severity: int(count) for severity, count in rows.all()}
        return {severity: found.get(severity, 0) for severity in Severity}

    def prune(self, retention: timedelta) -> int:
        """Drop alerts that were resolved longer ago; how many those were."""
        with self._engine.begin() as tx:
            return tx.execute(
                text("DELETE FROM alerts WHERE resolved_at < clock_timestamp() - make_interval(secs => :seconds)"),
                {"seconds": retention.total_seconds()},
            ).rowcount


class _Changes:
    def __init__(self, tx: Connection, outbox: Outbox, receivers: Sequence[ReceiverRule]) -> None:
        self._tx = tx
        self._outbox = outbox
        self._receivers = receivers

    def newest(self, fingerprints: Collection[str]) -> dict[str, Alert]:
        rows = self._select(
            "fingerprint = ANY(:fingerprints) ORDER BY fingerprint, raised_at DESC, revision DESC",
            {"fingerprints": list(fingerprints)},
            distinct="DISTINCT ON (fingerprint)",
        )
        return {alert.fingerprint: alert for alert in rows}

    def firing(self, detector: str, subjects: Collection[str]) -> list[Alert]:
        return self._select(
            "state = 'firing' AND detector = :detector AND subject = ANY(:subjects) ORDER BY raised_at, id",
            {"detector": detector, "subjects": list(subjects)},
        )

    def expired(self, at: datetime) -> list[Alert]:
        return self._select(
            "state = 'firing' AND expires_at < :at ORDER BY expires_at LIMIT :limit", {"at": at, "limit": _SWEEP}
        )

    def get(self, alert_id: UUID) -> Alert | None:
        return _get(self._tx, alert_id)

    def write(self, alert: Alert, note: Note | None = None) -> AlertEvent | None:
        self._tx.execute(text(_UPSERT), {**_values(alert), "id": str(alert.id)})
        if note is None:
            return None
        self._tx.execute(
            text("""
                INSERT INTO alert_changes (alert_id, revision, change, at, severity, actor, detail)
                VALUES (:id, :revision, :change, :at, :severity, :actor, :detail)
            """),
            {
                "id": str(alert.id),
                "revision": alert.revision,
                "change": note.change,
                "at": alert.changed_at,
                "severity": alert.severity,
                "actor": note.actor,
                "detail": note.detail,
            },
        )
        event = event_of(alert, note.change)
        row = OutboxRow(str(event.event_id), Topic.ALERTS, event.key, event.model_dump_json())
        self._outbox.append([row], self._tx)
        if note.change is not AlertChange.ACKNOWLEDGED:
            queue(self._tx, alert.id, alert.state, alert.severity, self._receivers)
        return event

    def _select(self, where: str, parameters: Mapping[str, Any], distinct: str = "") -> list[Alert]:
        rows = self._tx.execute(text(f"SELECT {distinct} {_COLUMNS} FROM alerts WHERE {where}"), parameters)  # noqa: S608
        return [_alert(row) for row in rows]


def _get(tx: Connection, alert_id: UUID) -> Alert | None:
    row = tx.execute(text(f"SELECT {_COLUMNS} FROM alerts WHERE id = :id"), {"id": str(alert_id)}).first()  # noqa: S608
    return None if row is None else _alert(row)


def _values(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in _NAMES}


def _alert(row: Row[Any]) -> Alert:
    values = dict(row._mapping)
    values["id"] = UUID(str(values["id"]))
    values["severity"] = Severity(values["severity"])
    values["state"] = AlertState(values["state"])
    return Alert(**values)


def _conditions(wanted: AlertFilter, cursor: Cursor | None) -> tuple[list[str], dict[str, Any]]:
    plain = ("state", "severity", "detector", "exchange", "ticker", "service")
    parameters = {name: getattr(wanted, name) for name in plain if getattr(wanted, name) is not None}
    conditions = [f"{name} = :{name}" for name in parameters]
    if wanted.acknowledged is not None:
        conditions.append(f"acknowledged_at IS {'NOT ' if wanted.acknowledged else ''}NULL")
    if wanted.since is not None:
        conditions.append("changed_at >= :since")
        parameters["since"] = wanted.since
    if cursor is not None:
        conditions.append("(raised_at, id) < (:at, CAST(:id AS uuid))")
        parameters |= {"at": cursor.at, "id": str(cursor.id)}
    return conditions, parameters
