"""The outbox: events that are recorded before they are acknowledged, and stay until their consumer has stored them.

A row is written in PostgreSQL before the caller gets an answer. Sending is a hint; the row leaves only when its id is
found in ClickHouse, so an event survives the loss of the broker and of everything in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, cast
from uuid import UUID

from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names the class in lower case
from psycopg2.extras import execute_values
from sqlalchemy import Connection, Engine, text

# The same event again (a retry after a connection broke, a job that ran twice) is not an error.
_INSERT = "INSERT INTO outbox (id, topic, key, payload) VALUES %s ON CONFLICT (id) DO NOTHING"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    id: UUID
    topic: str
    key: str
    payload: str
    """The event's JSON, as it goes to Kafka."""


class PendingRow(NamedTuple):
    """A row that has not been confirmed."""

    id: UUID
    key: str
    created_at: datetime
    sent_at: datetime
    attempts: int
    waited_seconds: float
    """Seconds since it was last sent, by the database's clock."""


@dataclass(frozen=True, slots=True)
class OutboxLoad:
    size: int
    oldest_seconds: float


class OutboxTable(Protocol):
    """The outbox as the relay sees it."""

    def page(self, topic: str, after: PendingRow | None, limit: int) -> list[PendingRow]:
        """Rows after ``after``, those sent longest ago first."""
        ...

    def payloads(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """The JSON of these events, of those that are still here."""
        ...

    def delete(self, ids: Sequence[UUID]) -> None: ...

    def mark_sent(self, ids: Sequence[UUID]) -> None: ...

    def load(self) -> OutboxLoad: ...


class Outbox:
    """The table in model_meta_db."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, rows: Sequence[OutboxRow], connection: Connection | None = None) -> None:
        """Record events; with ``connection`` in the caller's transaction."""
        with self._transaction(connection) as tx, closing(_cursor(tx)) as cursor:
            _insert(cursor, rows)

    def page(self, topic: str, after: PendingRow | None, limit: int) -> list[PendingRow]:
        with self._transaction() as tx:
            rows = tx.execute(
                text("""
                    SELECT id, key, created_at, sent_at, attempts,
                        CAST(extract(epoch FROM now() - sent_at) AS double precision)
                    FROM outbox
                    WHERE topic = :topic AND (
                        CAST(:sent_at AS timestamptz) IS NULL OR (sent_at, id) > (:sent_at, CAST(:id AS uuid))
                    )
                    ORDER BY sent_at, id LIMIT :limit
                """),
                {
                    "topic": topic,
                    "sent_at": after and after.sent_at,
                    "id": after and str(after.id),
                    "limit": limit,
                },
            ).all()
        return list(map(PendingRow._make, rows))

    def payloads(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        with self._transaction() as tx:
            found = tx.execute(
                text("SELECT id, payload FROM outbox WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": _texts(ids)}
            )
            return {row.id: row.payload for row in found}

    def payload(self, event_id: UUID) -> str | None:
        """An event's JSON; None when it is not here (any more)."""
        with self._transaction() as tx:
            found = tx.execute(text("SELECT payload FROM outbox WHERE id = :id"), {"id": str(event_id)})
            return cast(str | None, found.scalar())

    def delete(self, ids: Sequence[UUID]) -> None:
        with self._transaction() as tx:
            tx.execute(text("DELETE FROM outbox WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": _texts(ids)})

    def mark_sent(self, ids: Sequence[UUID]) -> None:
        with self._transaction() as tx:
            tx.execute(
                text("""
                    UPDATE outbox SET sent_at = now(), attempts = attempts + 1 WHERE id = ANY(CAST(:ids AS uuid[]))
                """),
                {"ids": _texts(ids)},
            )

    def load(self) -> OutboxLoad:
        with self._transaction() as tx:
            row = tx.execute(
                text("SELECT count(*), COALESCE(extract(epoch FROM now() - min(created_at)), 0) FROM outbox")
            ).one()
        return OutboxLoad(int(row[0]), float(row[1]))

    @contextmanager
    def _transaction(self, connection: Connection | None = None) -> Iterator[Connection]:
        if connection is not None:
            yield connection
        else:
            with self._engine.begin() as own:
                yield own


def _cursor(connection: Connection) -> Cursor:
    # SQLAlchemy types it by what all drivers have; execute_values wants the driver's own.
    return cast(Cursor, connection.connection.cursor())


def _insert(cursor: Cursor, rows: Sequence[OutboxRow]) -> None:
    values = [(str(row.id), row.topic, row.key, row.payload) for row in rows]
    execute_values(cursor, _INSERT, values, template="(%s::uuid, %s, %s, %s)", page_size=len(values))


def _texts(ids: Sequence[UUID]) -> list[str]:
    return [str(item) for item in ids]
