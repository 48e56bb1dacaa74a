"""ClickHouse, as far as this service needs it: write events, read back the newest."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter
from typing import Any, Protocol

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DataError
from stock_kit.clock import wall_now
from stock_kit.events import AlertEvent, Event, PredictionEvent
from stock_kit.server_settings import ClickHouseSettings

# Where the newest events are looked for; keeps ClickHouse from sorting years of forecasts for fifty rows.
_RECENT = timedelta(days=30)


class RowsRefusedError(ValueError):
    """A value does not fit its column; the other rows of the batch are not to blame."""


class EventStore(Protocol):
    """Keeps events for good. Writing the same event twice leaves one."""

    def insert(self, events: Sequence[Event]) -> None:
        """Write events of one type.

        Raises:
            RowsRefusedError: a value cannot be stored, now or ever; nothing was written.
            Exception: anything else is worth another attempt.
        """

    def newest(self, model: type[Event], limit: int) -> list[Event]:
        """The newest events, oldest first."""

    def ping(self) -> None:
        """Raises when the store does not answer."""


TABLES: dict[type[Event], str] = {PredictionEvent: "predictions", AlertEvent: "alerts"}
_TIME_COLUMNS: dict[type[Event], str] = {PredictionEvent: "made_at", AlertEvent: "changed_at"}


def _columns_of(model: type[Event]) -> list[str]:
    return [name for name in model.model_fields if name != "type"]


class ClickHouseStore:
    """Opens its connection at first use and again after an error; safe to share between threads."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._types: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def insert(self, events: Sequence[Event]) -> None:
        model = type(events[0])
        table, names = TABLES[model], _columns_of(model)
        client = self._open()
        # Not by attribute, each of which Pydantic's models look up at their leisure.
        columns = list(zip(*map(itemgetter(*names), map(vars, events)), strict=True))
        try:
            client.insert(
                table,
                columns,
                column_names=names,
                column_type_names=self._column_types(client, table, names),
                column_oriented=True,
            )
        except DataError as error:
            raise RowsRefusedError(str(error)) from error

    def newest(self, model: type[Event], limit: int) -> list[Event]:
        names, time = _columns_of(model), _TIME_COLUMNS[model]
        # Reads duplicates that are not merged away yet, hence twice the limit and a dictionary by id.
        result = self._open().query(
            f"SELECT {', '.join(names)} FROM {TABLES[model]} WHERE {time} >= {{since:DateTime64(6, 'UTC')}}"  # noqa: S608
            f" ORDER BY {time} DESC LIMIT {{limit:UInt32}}",
            parameters={"since": wall_now() - _RECENT, "limit": limit * 2},
            # The driver's default drops the zone of a UTC column, and such a time compares with none from Kafka.
            tz_mode="aware",
        )
        events = [model.model_validate(dict(zip(names, row, strict=True))) for row in result.result_rows]
        unique = {event.identity: event for event in events}
        return list(unique.values())[:limit][::-1]

    def ping(self) -> None:
        self._open().query("SELECT 1")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _open(self) -> Client:
        with self._lock:
            if self._client is None:
                settings = self._settings
                self._client = clickhouse_connect.get_client(
                    host=settings.host,
                    port=settings.port,
                    username=settings.user,
                    password=settings.password.get_secret_value(),
                    database=settings.database,
                    secure=settings.secure,
                    connect_timeout=settings.connect_timeout,
                    send_receive_timeout=settings.query_timeout,
                    autogenerate_session_id=False,
                )
            return self._client

    def _column_types(self, client: Client, table: str, names: Sequence[str]) -> list[str]:
        """Asked once: a DESCRIBE before every insert would double the requests."""
        if table not in self._types:
            rows: Sequence[Sequence[Any]] = client.query(f"DESCRIBE TABLE {table}").result_rows
            types = {row[0]: row[1] for row in rows}
            self._types[table] = [types[name] for name in names]
        return self._types[table]
