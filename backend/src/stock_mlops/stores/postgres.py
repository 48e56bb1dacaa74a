"""Connections to the PostgreSQL databases: one engine, so one pool, per database and process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import Engine, create_engine, text
from stock_kit.server_settings import PostgresSettings

_SILENCE_MS = 10_000


@lru_cache(maxsize=8)
def get_engine(settings: PostgresSettings) -> Engine:
    """A pooled engine. A connection that died with its server is replaced when next taken (``pool_pre_ping``)."""
    return create_engine(
        settings.url,
        pool_size=settings.pool_size,
        max_overflow=settings.pool_size,
        pool_pre_ping=True,
        pool_timeout=settings.connect_timeout,
        connect_args={
            "connect_timeout": settings.connect_timeout,
            "application_name": "stock-mlops",
            # A machine that vanished says nothing; without these a query would wait for it a quarter of an hour.
            "tcp_user_timeout": _SILENCE_MS,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
        },
    )


@contextmanager
def advisory_lock(engine: Engine, key: int) -> Iterator[bool]:
    """Hold a lock that one process at a time can have, as long as the block runs; yields False when another has it.

    A process that dies loses the lock with its connection.
    """
    with engine.connect() as connection:
        held = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar())
        connection.commit()
        try:
            yield held
        finally:
            if held:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
                connection.commit()
