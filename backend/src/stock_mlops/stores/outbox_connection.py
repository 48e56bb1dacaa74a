"""Commits to the outbox on an event loop, for requests that wait for them.

By asyncpg, whose connection is part of the loop; the pools' driver would need a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from stock_kit.server_settings import PostgresSettings

from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.outbox_batches import pack

_INSERT = """
    INSERT INTO outbox (id, topic, key, payload)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) ON CONFLICT (id) DO NOTHING
"""
_INSERT_BATCH = """
    INSERT INTO outbox_batches (id, topic, ids, keys, size, payloads) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (id) DO NOTHING
"""
# Requests that share a commit by chance are fewer, and quicker to find as rows.
_MANY = 200
# What asyncpg raises when the database does not answer, is stopping, or does not take a statement. The internal error
# is its word for a connection that was told of the server's end and has not seen the end itself yet.
OUTAGES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class OutboxConnection:
    """Appends on an event loop, through one connection of its own: each call is one statement and one commit in one
    round trip. Many events become one row.

    A connection found broken is replaced once; a statement whose outcome is unknown may be repeated, because inserting
    the same ids again changes nothing. One call at a time.
    """

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._connection: asyncpg.Connection | None = None
        self._statements: dict[str, PreparedStatement] = {}

    async def append(self, rows: Sequence[OutboxRow]) -> None:
        """Raises one of :data:`OUTAGES` when the database does not take them."""
        values: Sequence[object]
        if len(rows) >= _MANY and len({row.topic for row in rows}) == 1:
            statement, values = _INSERT_BATCH, await _batch(rows)
        else:
            statement, values = _INSERT, tuple(zip(*rows, strict=True))
        was_open = self._connection is not None
        try:
            await self._run(statement, values)
        except OUTAGES as error:
            self.close()
            # A server that did not answer in time will not do so now.
            if not was_open or isinstance(error, TimeoutError):
                raise
            try:
                await self._run(statement, values)
            except OUTAGES:
                self.close()
                raise

    def close(self) -> None:
        """Drop the connection; the next call opens another."""
        connection, self._connection, self._statements = self._connection, None, {}
        if connection is not None:
            connection.terminate()

    async def _run(self, statement: str, values: Sequence[object]) -> None:
        if self._connection is None:
            self._connection = await self._connect()
        prepared = self._statements.get(statement)
        if prepared is None:
            prepared = self._statements[statement] = await self._connection.prepare(statement)
        await prepared.fetch(*values)

    async def _connect(self) -> asyncpg.Connection:
        settings = self._settings
        return await asyncpg.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password.get_secret_value(),
            database=settings.database,
            timeout=settings.connect_timeout,
            command_timeout=settings.connect_timeout,
            server_settings={"application_name": "stock-mlops"},
        )


async def _batch(rows: Sequence[OutboxRow]) -> Sequence[object]:
    """The values of one row that holds them all."""
    ids, _, keys, payloads = zip(*rows, strict=True)
    packed = await asyncio.to_thread(pack, payloads)
    return rows[0].id, rows[0].topic, ids, keys, len(rows), packed
