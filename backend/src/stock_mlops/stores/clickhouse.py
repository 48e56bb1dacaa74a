"""Connections to ClickHouse."""

from __future__ import annotations

from functools import lru_cache

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from stock_kit.server_settings import ClickHouseSettings


def open_client(settings: ClickHouseSettings, *, database: str | None = None) -> Client:
    """A new client over HTTP.

    It holds no server-side session: such a session would serialise the queries of threads that share the client.

    Raises:
        clickhouse_connect.driver.exceptions.OperationalError: the server does not answer.
    """
    return clickhouse_connect.get_client(
        host=settings.host,
        port=settings.port,
        username=settings.user,
        password=settings.password.get_secret_value(),
        database=settings.database if database is None else database,
        secure=settings.secure,
        connect_timeout=settings.connect_timeout,
        send_receive_timeout=settings.query_timeout,
        autogenerate_session_id=False,
    )


@lru_cache(maxsize=4)
def get_client(settings: ClickHouseSettings) -> Client:
    """The client of this process, opened at first use; an attempt that failed is not kept."""
    return open_client(settings)
