"""Connections to the PostgreSQL databases: one engine, so one pool, per database and process."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Engine, create_engine
from stock_kit.settings import PostgresSettings


@lru_cache(maxsize=8)
def get_engine(settings: PostgresSettings) -> Engine:
    """A pooled engine. A connection that died with its server is replaced when next taken (``pool_pre_ping``)."""
    return create_engine(
        settings.url,
        pool_size=settings.pool_size,
        max_overflow=settings.pool_size,
        pool_pre_ping=True,
        pool_timeout=settings.connect_timeout,
        connect_args={"connect_timeout": settings.connect_timeout, "application_name": "stock-mlops"},
    )
