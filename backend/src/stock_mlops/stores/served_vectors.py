"""What models were given, read from the predictions in ClickHouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from clickhouse_connect.driver.client import Client

from stock_mlops.instruments import Instrument

# Predictions of one session are given the same vector unless it was loaded again, so a share of them finds each.
_FEWEST = 5
_MOST = 200
# A prediction is made after the close of its session: the table's order is found by when it was. Only ids are sorted: a
# busy ticker has millions of predictions in some weeks, each with all that it was made from.
_MADE = """exchange = {exchange:String} AND ticker = {ticker:String} AND made_at >= {since:Date32}
    AND as_of >= {since:Date32} AND model_name = {model:String} AND model_version = {version:String}
    AND notEmpty(inputs)"""
_VECTORS = f"""
SELECT as_of, data_version, feature_version, inputs, count() AS predictions
FROM predictions
WHERE {_MADE} AND (
    cityHash64(prediction_id) < {{share:Float64}} * pow(2, 64)
    OR prediction_id IN (
        SELECT prediction_id FROM predictions WHERE {_MADE}
        ORDER BY as_of, cityHash64(prediction_id) LIMIT {{fewest:UInt32}} BY as_of
    )
)
GROUP BY as_of, data_version, feature_version, inputs
ORDER BY as_of DESC
LIMIT {{most:UInt32}}
"""  # noqa: S608  constants


@dataclass(frozen=True, slots=True)
class ServedVector:
    """Equal inputs of one session's predictions."""

    as_of: date
    data_version: str
    feature_version: str
    inputs: tuple[float, ...]
    """In the order of the model's features."""
    predictions: int
    """That were looked at."""


class ServedVectors:
    """``client`` is asked for at each use.

    Raises:
        clickhouse_connect.driver.exceptions.ClickHouseError: the server does not answer or refuses.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def sample(self, instrument: Instrument, model: str, version: int, since: date, share: float) -> list[ServedVector]:
        """The vectors of a share of the predictions that a version made from ``since`` on, of each session five at
        least; always the same ones."""
        parameters = {
            "exchange": instrument.exchange,
            "ticker": instrument.ticker,
            "model": model,
            "version": str(version),
            "since": since,
            "share": share,
            "fewest": _FEWEST,
            "most": _MOST,
        }
        rows = self._client().query(_VECTORS, parameters=parameters).result_rows
        return [ServedVector(row[0], row[1], row[2], tuple(row[3]), row[4]) for row in rows]
