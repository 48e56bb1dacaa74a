"""Forecasts that were made beside those that served, in ClickHouse, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clickhouse_connect.driver.client import Client

_COLUMNS = (
    "retraining_id",
    "exchange",
    "ticker",
    "session",
    "target_session",
    "horizon",
    "model_name",
    "model_version",
    "predicted_return",
    "half_width",
    "level",
    "recorded_at",
)
_NEWEST = """
SELECT ticker, model_version, max(session) FROM shadow_predictions
WHERE retraining_id = {retraining:UUID} GROUP BY ticker, model_version
"""
# The outcome as the settlement of predictions has it: between the adjusted closes of both sessions.
_SETTLED = """
WITH
    made AS (
        SELECT exchange, ticker, session, target_session, horizon, model_version, predicted_return, half_width
        FROM shadow_predictions
        WHERE retraining_id = {retraining:UUID} AND session >= {since:Date32} AND target_session <= {until:Date32}
        ORDER BY recorded_at DESC
        LIMIT 1 BY exchange, ticker, session, horizon, model_version
    ),
    closes AS (
        SELECT exchange AS market, ticker AS symbol, session AS day, argMax(close, version) AS adjusted FROM prices
        WHERE (exchange, ticker) IN (SELECT exchange, ticker FROM made) AND session >= {since:Date32}
        GROUP BY exchange, ticker, session
    )
SELECT ticker, session, target_session, horizon, model_version, predicted_return, half_width,
    log(target.adjusted / base.adjusted)
FROM made
INNER JOIN closes AS base ON base.market = exchange AND base.symbol = ticker AND base.day = session
INNER JOIN closes AS target ON target.market = exchange AND target.symbol = ticker AND target.day = target_session
ORDER BY horizon, session, ticker
"""


@dataclass(frozen=True, slots=True)
class ShadowPrediction:
    """See the table ``shadow_predictions``."""

    retraining_id: UUID
    exchange: str
    ticker: str
    session: date
    target_session: date
    horizon: int
    model_name: str
    model_version: int
    predicted_return: float
    half_width: float
    level: float
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class SettledShadow:
    """One whose target session has closed."""

    ticker: str
    session: date
    target_session: date
    horizon: int
    model_version: int
    predicted_return: float
    half_width: float
    actual_return: float


class ShadowPredictions:
    """``client`` is asked for at each use, so that a server that was down at start is found later.

    Raises:
        clickhouse_connect.driver.exceptions.ClickHouseError: any method, when the server does not answer or refuses.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def add(self, rows: Sequence[ShadowPrediction]) -> None:
        if rows:
            values = [[getattr(row, name) for name in _COLUMNS] for row in rows]
            self._client().insert("shadow_predictions", values, column_names=list(_COLUMNS))

    def delete_before(self, recorded_at: datetime, kept: Collection[UUID]) -> None:
        """Forget what was recorded earlier than that (aware), but for the retrainings ``kept``."""
        self._client().command(
            "DELETE FROM shadow_predictions"
            " WHERE recorded_at < {before:DateTime64(6, 'UTC')} AND NOT has({kept:Array(UUID)}, retraining_id)",
            parameters={"before": recorded_at, "kept": [str(item) for item in kept]},
        )

    def newest(self, retraining_id: UUID) -> dict[tuple[str, int], date]:
        """By ticker and version: the newest session that is recorded."""
        rows = self._client().query(_NEWEST, parameters={"retraining": str(retraining_id)}).result_rows
        return {(ticker, version): session for ticker, version, session in rows}

    def settled(self, retraining_id: UUID, since: date, until: date) -> list[SettledShadow]:
        """Those made at ``since`` or later whose target session is not later than ``until``, in the order of time."""
        parameters = {"retraining": str(retraining_id), "since": since, "until": until}
        rows = self._client().query(_SETTLED, parameters=parameters).result_rows
        return [SettledShadow(*row) for row in rows]
