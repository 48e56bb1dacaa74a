"""What a simulation forecast and what came of it, read from its own ClickHouse database."""

from __future__ import annotations

from datetime import date

import polars as pl
from clickhouse_connect.driver.client import Client
from stock_kit.events import PredictionEvent

from stock_mlops.stores.predictions import COLUMNS

_OUTCOMES = """
SELECT p.ticker AS ticker, p.as_of AS as_of, p.predicted_return AS predicted_return,
    coalesce(p.model_version, '') AS model_version, s.known AS actual_return, s.inside AS covered
FROM (SELECT * FROM predictions LIMIT 1 BY prediction_id) AS p
LEFT JOIN (
    SELECT prediction_id AS id, toNullable(argMax(actual_return, version)) AS known,
        toNullable(toUInt8(argMax(covered, version))) AS inside
    FROM settlements GROUP BY prediction_id
) AS s ON s.id = p.prediction_id
ORDER BY ticker, as_of
"""
_KINDS = {
    "ticker": pl.String(),
    "as_of": pl.Date(),
    "predicted_return": pl.Float64(),
    "model_version": pl.String(),
    "actual_return": pl.Float64(),
    "covered": pl.Boolean(),
}


class SimulatedOutcomes:
    """
    Raises:
        clickhouse_connect.driver.exceptions.ClickHouseError: any method, when the server does not answer or refuses.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self) -> pl.DataFrame:
        """ticker, as_of, predicted_return, model_version (empty: the random walk); actual_return and covered, null
        where not settled."""
        rows = self._client.query(_OUTCOMES).result_rows
        plain = [(*row[:5], None if row[5] is None else bool(row[5])) for row in rows]
        return pl.DataFrame(plain, schema=_KINDS, orient="row")

    def of(self, session: date) -> list[PredictionEvent]:
        """The forecasts that were made at the close of a session."""
        rows = self._client.query(
            f"SELECT {', '.join(COLUMNS)} FROM predictions WHERE as_of = {{session:Date32}}"  # noqa: S608  a constant
            " ORDER BY ticker LIMIT 1 BY prediction_id",
            parameters={"session": session},
            tz_mode="aware",
        ).result_rows
        return [PredictionEvent.model_validate(dict(zip(COLUMNS, row, strict=True))) for row in rows]
