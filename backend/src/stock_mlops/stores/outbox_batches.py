"""Many events in one row of the outbox, which is written in half the time that as many rows take.

It serves what usually happens: all are stored within seconds, and the row goes. What is not becomes rows of its own
(:meth:`OutboxBatches.unpack`), so that only those are looked for and sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from backports import zstd
from sqlalchemy import Engine, text

# The quickest that still makes a third of JSON; the next ones take twice as long.
_LEVEL = 1


class OutboxBatch(NamedTuple):
    """Events that were recorded in one commit."""

    id: str
    ids: list[str]
    keys: list[str]
    recorded: datetime
    """By the database's clock."""
    waited: float
    """Seconds since then, by the same clock."""


class BatchTable(Protocol):
    """The batches as the relay sees them."""

    def waiting(self, topic: str) -> Sequence[str]:
        """The batches' ids, those recorded first at the front."""
        ...

    def get(self, batch_id: str) -> OutboxBatch | None: ...

    def delete(self, batch_id: str) -> None: ...

    def unpack(self, batch_id: str, stored: Collection[str]) -> None:
        """Make rows of its events but for ``stored``, which have been confirmed, and delete it."""
        ...


def pack(payloads: Sequence[str]) -> bytes:
    """The JSON of events, none of which has a line break. Leaves the interpreter to others while it compresses."""
    return zstd.compress("\n".join(payloads).encode(), _LEVEL)


def unpack(packed: bytes) -> list[str]:
    return zstd.decompress(packed).decode().split("\n")


class OutboxBatches:
    """The table in model_meta_db; :class:`~stock_mlops.stores.outbox_connection.OutboxConnection` writes it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self, topic: str) -> list[str]:
        with self._engine.begin() as tx:
            found = tx.execute(
                text("SELECT id::text FROM outbox_batches WHERE topic = :topic ORDER BY created_at, id"),
                {"topic": topic},
            )
            return list(found.scalars())

    def get(self, batch_id: str) -> OutboxBatch | None:
        with self._engine.begin() as tx:
            row = tx.execute(
                text("""
                    SELECT array_to_string(ids, ','), keys, created_at,
                        CAST(extract(epoch FROM now() - created_at) AS double precision)
                    FROM outbox_batches WHERE id = :id
                """),
                {"id": batch_id},
            ).one_or_none()
        return None if row is None else OutboxBatch(batch_id, row[0].split(","), row[1], row[2], row[3])

    def delete(self, batch_id: str) -> None:
        with self._engine.begin() as tx:
            tx.execute(text("DELETE FROM outbox_batches WHERE id = :id"), {"id": batch_id})

    def unpack(self, batch_id: str, stored: Collection[str]) -> None:
        with self._engine.begin() as tx:
            batch = tx.execute(
                text("""
                    DELETE FROM outbox_batches WHERE id = :id
                    RETURNING topic, array_to_string(ids, ',') AS ids, keys, payloads, created_at
                """),
                {"id": batch_id},
            ).one_or_none()
            if batch is None:
                return
            events = zip(batch.ids.split(","), batch.keys, unpack(bytes(batch.payloads)), strict=True)
            ids, keys, payloads = [], [], []
            for event_id, key, payload in events:
                if event_id not in stored:
                    ids.append(event_id)
                    keys.append(key)
                    payloads.append(payload)
            tx.execute(
                text("""
                    INSERT INTO outbox (id, topic, key, payload, created_at, sent_at)
                    SELECT id, :topic, key, payload, :created_at, :created_at
                    FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:payloads AS text[]))
                        AS event (id, key, payload)
                    ON CONFLICT (id) DO NOTHING
                """),
                {
                    "topic": batch.topic,
                    "created_at": batch.created_at,
                    "ids": ids,
                    "keys": keys,
                    "payloads": payloads,
                },
            )
