"""What the receivers of alerts still have to be told, in model_meta_db.

A row is one alert and one receiver. It falls due when the alert changes; whoever claims it tells the receiver how the
alert stands then, so that what came and went in between is told once. Rows that fall due within the receiver's window
are told in one message, and that a condition is back is told at most once per cool-down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from stock_kit.events import AlertState, Severity


@dataclass(frozen=True, slots=True)
class ReceiverRule:
    """Who is told of what, and how soon."""

    name: str
    least: Severity
    """Alerts below it are not told."""
    window: timedelta
    """Changes within it share a message."""
    cool_down: timedelta
    """Least time from telling that an alert is over to telling that it is back."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An alert that a receiver is to be told of, by this process."""

    alert_id: UUID
    told_state: str | None
    """What it was told last; None: nothing."""
    told_severity: str | None
    attempts: int
    """Failed so far."""


@dataclass(frozen=True, slots=True)
class Told:
    alert_id: UUID
    state: str
    severity: str


class Deliveries(Protocol):
    """:class:`AlertDeliveries`, or a list in a test."""

    def claim(self, receiver: str, limit: int, lease: timedelta) -> list[Claim]:
        """Take what is due for a receiver, for as long as ``lease``: no other process gets it meanwhile."""
        ...

    def told(self, receiver: str, told: Iterable[Told]) -> None:
        """The receiver knows these now; what changed since then falls due again."""
        ...

    def failed(self, receiver: str, alert_ids: Sequence[UUID], error: str, retry_in: timedelta | None) -> None:
        """Try again after ``retry_in``; None: never."""
        ...


def queue(
    tx: Connection, alert_id: UUID, state: AlertState, severity: Severity, receivers: Sequence[ReceiverRule]
) -> None:
    """An alert changed: its receivers are to be told. Joins a message that waits already, or opens a window."""
    for rule in receivers:
        if severity.rank < rule.least.rank:
            continue
        tx.execute(
            text("""
                INSERT INTO alert_deliveries AS known (alert_id, receiver, due_at)
                SELECT CAST(:alert_id AS uuid), CAST(:receiver AS text), least(
                    clock_timestamp() + :window,
                    (SELECT min(due_at) FROM alert_deliveries
                     WHERE receiver = :receiver AND due_at > clock_timestamp() AND attempts = 0)
                )
                ON CONFLICT (alert_id, receiver) DO UPDATE SET attempts = 0, error = NULL, due_at = greatest(
                    excluded.due_at,
                    CASE WHEN :state = 'firing' AND known.told_state = 'resolved' THEN known.told_at + :cool_down END
                )
            """),
            {
                "alert_id": str(alert_id),
                "receiver": rule.name,
                "state": state,
                "window": rule.window,
                "cool_down": rule.cool_down,
            },
        )


class AlertDeliveries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, receiver: str, limit: int, lease: timedelta) -> list[Claim]:
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    UPDATE alert_deliveries AS mine SET claimed_until = clock_timestamp() + :lease
                    FROM (
                        SELECT alert_id FROM alert_deliveries
                        WHERE receiver = :receiver AND due_at <= clock_timestamp()
                            AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
                        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
                    ) AS due
                    WHERE mine.receiver = :receiver AND mine.alert_id = due.alert_id
                    RETURNING mine.alert_id, mine.told_state, mine.told_severity, mine.attempts
                """),
                {"receiver": receiver, "limit": limit, "lease": lease},
            ).all()
        return [Claim(UUID(str(row.alert_id)), row.told_state, row.told_severity, row.attempts) for row in rows]

    def told(self, receiver: str, told: Iterable[Told]) -> None:
        # An alert that changed while its message was on the way stays due: its row says another state, or severity.
        with self._engine.begin() as tx:
            for item in told:
                tx.execute(
                    text("""
                        UPDATE alert_deliveries AS known SET
                            told_at = CASE WHEN (known.told_state, known.told_severity) = (:state, :severity)
                                THEN known.told_at ELSE clock_timestamp() END,
                            told_state = :state, told_severity = :severity,
                            claimed_until = NULL, attempts = 0, error = NULL,
                            due_at = CASE WHEN (a.state, a.severity) = (:state, :severity) THEN NULL ELSE due_at END
                        FROM alerts AS a
                        WHERE known.receiver = :receiver AND known.alert_id = CAST(:id AS uuid)
                            AND a.id = known.alert_id
                    """),
                    {"receiver": receiver, "id": str(item.alert_id), "state": item.state, "severity": item.severity},
                )

    def failed(self, receiver: str, alert_ids: Sequence[UUID], error: str, retry_in: timedelta | None) -> None:
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    UPDATE alert_deliveries SET claimed_until = NULL, attempts = attempts + 1, error = :error,
                        due_at = clock_timestamp() + CAST(:retry_in AS interval)
                    WHERE receiver = :receiver AND alert_id = ANY(CAST(:ids AS uuid[]))
                """),
                {"receiver": receiver, "ids": [str(item) for item in alert_ids], "error": error, "retry_in": retry_in},
            )


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """What a receiver knows of an alert."""

    receiver: str
    told_state: str | None
    told_at: datetime | None
    waiting: bool
    attempts: int
    error: str | None


def deliveries_of(engine: Engine, alert_id: UUID) -> list[DeliveryState]:
    """By receiver."""
    with engine.begin() as tx:
        rows = tx.execute(
            text("""
                SELECT receiver, told_state, told_at, due_at IS NOT NULL AS waiting, attempts, error
                FROM alert_deliveries WHERE alert_id = :id ORDER BY receiver
            """),
            {"id": str(alert_id)},
        ).all()
    return [DeliveryState(**row._mapping) for row in rows]
