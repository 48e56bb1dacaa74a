"""The changes of alerts in ClickHouse, which ws_monitor writes there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from clickhouse_connect.driver.client import Client


class AlertEvents:
    """``client`` is asked for at each use, so that a server that was down at start is found later."""

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def existing(
        self,
        ids: Collection[str],
        keys: Iterable[str],  # noqa: ARG002  the protocol's
        since: datetime | None = None,  # noqa: ARG002
    ) -> set[str]:
        """Which of the events ``ids`` are stored. Reads one column: alerts are few."""
        rows = (
            self._client()
            .query(
                "SELECT DISTINCT toString(event_id) FROM alerts WHERE event_id IN {ids:Array(UUID)}",
                parameters={"ids": list(ids)},
            )
            .result_rows
        )
        return {row[0] for row in rows}
