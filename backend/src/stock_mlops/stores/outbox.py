"""The outbox: events that are recorded before they are acknowledged, and stay until their consumer has stored them.

A row is written in PostgreSQL before the caller gets an answer. Sending is a hint; the row leaves only when its id is
found in ClickHouse, so an event survives the loss of the broker and of everything in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, cast
from uuid import UUID

from psycopg2.extensions import cursor as Cursor  # noqa: N812  psycopg2 names the class in lower case
from psycopg2.extras import execute_values
from sqlalchemy import Connection, Engine, text

from stock_mlops.stores.outbox_batches import unpack

# The same event again (a retry after a connection broke, a job that ran twice) is not an error.
_INSERT = "INSERT INTO outbox (id, topic, key, payload) VALUES %s ON CONFLICT (id) DO NOTHING"


class OutboxRow(NamedTuple):
    id: str
    """A UUID, as text: there are thousands a second."""
    topic: str
    key: str
    payload: str
    """The event's JSON, as it goes to Kafka."""


class Sent(NamedTuple):
    """A row's place among those that wait, which are in the order in which they were sent."""

    at: datetime
    id: str


class OutboxPage(NamedTuple):
    """Rows that have not been confirmed, those sent longest ago first. Ids are texts: there are thousands a second."""

    ids: list[str]
    keys: list[str]
    oldest: datetime
    """When the first of them was recorded, by the database's clock."""
    longest_wait: float
    """Seconds since the first of them was sent."""
    last: Sent


class PendingRow(NamedTuple):
    """A row that has not been confirmed."""

    id: str
    attempts: int
    waited_seconds: float
    """Seconds since it was last sent, by the database's clock."""


@dataclass(frozen=True, slots=True)
class OutboxLoad:
    size: int
    oldest_seconds: float


class OutboxTable(Protocol):
    """The outbox as the relay sees it."""

    def page(self, topic: str, after: Sent | None, limit: int) -> OutboxPage | None:
        """Rows sent later than ``after``; None when there are none."""
        ...

    def pending(self, ids: Sequence[str]) -> list[PendingRow]:
        """Those of these rows that are still here, those sent longest ago first."""
        ...

    def payloads(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The JSON of these events, of those that are still here."""
        ...

    def delete(self, ids: Collection[str]) -> None: ...

    def mark_sent(self, ids: Sequence[str]) -> None: ...

    def load(self) -> OutboxLoad: ...


class Outbox:
    """The table in model_meta_db; what is known of one event or of all counts those in batches too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, rows: Sequence[OutboxRow], connection: Connection | None = None) -> None:
        """Record events; with ``connection`` in the caller's transaction."""
        with self._transaction(connection) as tx, closing(_cursor(tx)) as cursor:
            _insert(cursor, rows)

    def page(self, topic: str, after: Sent | None, limit: int) -> OutboxPage | None:
        with self._transaction() as tx:
            row = tx.execute(
                text("""
                    SELECT string_agg(id::text, ',' ORDER BY sent_at, id), array_agg(DISTINCT key), min(created_at),
                        CAST(extract(epoch FROM now() - min(sent_at)) AS double precision), max(sent_at)
                    FROM (
                        SELECT id, key, created_at, sent_at FROM outbox
                        WHERE topic = :topic AND (
                            CAST(:at AS timestamptz) IS NULL OR (sent_at, id) > (:at, CAST(:id AS uuid))
                        )
                        ORDER BY sent_at, id LIMIT :limit
                    ) AS page
                """),
                {"topic": topic, "at": after and after.at, "id": after and after.id, "limit": limit},
            ).one()
        if row[0] is None:
            return None
        ids = row[0].split(",")
        return OutboxPage(ids, row[1], row[2], row[3], Sent(row[4], ids[-1]))

    def pending(self, ids: Sequence[str]) -> list[PendingRow]:
        with self._transaction() as tx:
            rows = tx.execute(
                text("""
                    SELECT id::text, attempts, CAST(extract(epoch FROM now() - sent_at) AS double precision)
                    FROM outbox WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY sent_at, id
                """),
                {"ids": _array(ids)},
            )
            return list(map(PendingRow._make, rows))

    def payloads(self, ids: Sequence[str]) -> dict[str, str]:
        with self._transaction() as tx:
            found = tx.execute(
                text("SELECT id::text AS id, payload FROM outbox WHERE id = ANY(CAST(:ids AS uuid[]))"),
                {"ids": _array(ids)},
            )
            return {row.id: row.payload for row in found}

    def payload(self, event_id: UUID) -> str | None:
        """An event's JSON; None when it is not here (any more)."""
        with self._transaction() as tx:
            # In one statement: the relay may be making rows of a batch.
            found = tx.execute(
                text("""
                    SELECT payload, NULL AS payloads, 0 AS place FROM outbox WHERE id = :id
                    UNION ALL
                    SELECT NULL, payloads, array_position(ids, CAST(:id AS uuid)) - 1 FROM outbox_batches
                    WHERE CAST(:id AS uuid) = ANY(ids)
                """),
                {"id": str(event_id)},
            ).first()
        if found is None or found.payloads is None:
            return None if found is None else cast(str, found.payload)
        return unpack(bytes(found.payloads))[int(found.place)]

    def delete(self, ids: Collection[str]) -> None:
        with self._transaction() as tx:
            tx.execute(text("DELETE FROM outbox WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": _array(ids)})

    def mark_sent(self, ids: Sequence[str]) -> None:
        with self._transaction() as tx:
            tx.execute(
                text("""
                    UPDATE outbox SET sent_at = now(), attempts = attempts + 1 WHERE id = ANY(CAST(:ids AS uuid[]))
                """),
                {"ids": _array(ids)},
            )

    def load(self) -> OutboxLoad:
        with self._transaction() as tx:
            row = tx.execute(
                text("""
                    SELECT sum(size), COALESCE(extract(epoch FROM now() - min(first)), 0) FROM (
                        SELECT count(*) AS size, min(created_at) AS first FROM outbox
                        UNION ALL
                        SELECT COALESCE(sum(size), 0), min(created_at) FROM outbox_batches
                    ) AS tables
                """)
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
    execute_values(cursor, _INSERT, rows, template="(%s::uuid, %s, %s, %s)", page_size=len(rows))


def _array(ids: Iterable[str]) -> str:
    """As PostgreSQL writes an array: one value to hand over instead of a thousand."""
    return f"{{{','.join(ids)}}}"
