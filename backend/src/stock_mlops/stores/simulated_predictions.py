"""Forecasts of a simulation, written straight into its own ClickHouse database: no browser is to hear of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from clickhouse_connect.driver.client import Client
from stock_kit.events import PredictionEvent

_TABLE = "predictions"
_COLUMNS = [name for name in PredictionEvent.model_fields if name != "type"]


class SimulatedPredictions:
    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, events: Sequence[PredictionEvent]) -> None:
        """The same event again replaces itself.

        Raises:
            clickhouse_connect.driver.exceptions.ClickHouseError: the server does not answer or refuses.
        """
        if events:
            self._client.insert(
                _TABLE,
                [[getattr(event, name) for event in events] for name in _COLUMNS],
                column_names=_COLUMNS,
                column_type_names=self._types,
                column_oriented=True,
            )

    @cached_property
    def _types(self) -> list[str]:
        """Asked once: a DESCRIBE before every insert would double the requests."""
        types = {row[0]: row[1] for row in self._client.query(f"DESCRIBE TABLE {_TABLE}").result_rows}
        return [types[name] for name in _COLUMNS]
