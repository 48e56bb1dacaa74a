"""Commits to the outbox on an event loop, for requests that wait for them.

By asyncpg, whose connection is part of the loop; the pools' driver would need a thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from stock_kit.server_settings import PostgresSettings

from stock_mlops.stores.outbox import OutboxRow

_INSERT = """
    INSERT INTO outbox (id, topic, key, payload)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) ON CONFLICT (id) DO NOTHING
"""
_MANY = 50
# What asyncpg raises when the database does not answer, is stopping, or does not take a statement. The internal error
# is its word for a connection that was told of the server's end and has not seen the end itself yet.
OUTAGES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class OutboxConnection:
    """Appends on an event loop, through one connection of its own: each call is one statement and one commit in one
    round trip.

    A connection found broken is replaced once; a statement whose outcome is unknown may be repeated, because inserting
    the same ids again changes nothing. One call at a time.
    """

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._connection: asyncpg.Connection | None = None
        self._insert: PreparedStatement | None = None

    async def append(self, rows: Sequence[OutboxRow]) -> None:
        """Raises one of :data:`OUTAGES` when the database does not take them."""
        was_open = self._insert is not None
        try:
            if self._connection is not None and len(rows) >= _MANY:
                await _copy(self._connection, rows)
            else:
                await self._append(rows)
        except OUTAGES as error:
            self.close()
            # A server that did not answer in time will not do so now.
            if not was_open or isinstance(error, TimeoutError):
                raise
            try:
                await self._append(rows)
            except OUTAGES:
                self.close()
                raise

    def close(self) -> None:
        """Drop the connection; the next call opens another."""
        connection, self._connection, self._insert = self._connection, None, None
        if connection is not None:
            connection.terminate()

    async def _append(self, rows: Sequence[OutboxRow]) -> None:
        if self._insert is None:
            self._connection = connection = await self._connect()
            self._insert = await connection.prepare(_INSERT)
        await self._insert.fetch(*zip(*rows, strict=True))

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


async def _copy(connection: asyncpg.Connection, rows: Sequence[OutboxRow]) -> None:
    """In two thirds of the time that the statement takes, but it does not forgive a row that is there already."""
    await connection.copy_records_to_table("outbox", records=rows, columns=OutboxRow._fields)
