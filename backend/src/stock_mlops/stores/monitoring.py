"""What the watchers measured, in ClickHouse: a number per instrument, session, monitor, part and measure.

Numbers that are measured again replace their rows when the table merges, later; every read takes the newest itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from clickhouse_connect.driver.client import Client

from stock_mlops.instruments import Instrument

_COLUMNS = (
    "exchange",
    "ticker",
    "monitor",
    "part",
    "measure",
    "session",
    "value",
    "threshold",
    "model_name",
    "model_version",
    "measured_at",
)

# Of each instrument the numbers of its newest pass only: what was not measured again has ended with its model. Read out
# of the table that a view fills with the newest row of each number: all that was ever measured is hundreds of times it.
_NEWEST = """
SELECT exchange, ticker, monitor, part, measure, session, value, threshold, model_name, model_version, measured_at
FROM monitoring_newest
WHERE (exchange, ticker, measured_at) IN (
    SELECT exchange, ticker, max(measured_at) FROM monitoring_newest {conditions} GROUP BY exchange, ticker
)
ORDER BY exchange, ticker, monitor, part, measure
LIMIT 1 BY exchange, ticker, monitor, part, measure
"""
_SERIES = """
SELECT * FROM (
    SELECT exchange, ticker, monitor, part, measure, session, value, threshold, model_name, model_version, measured_at
    FROM monitoring
    WHERE exchange = {exchange:String} AND ticker = {ticker:String} AND session > {after:Date32}
    ORDER BY session DESC, measured_at DESC
    LIMIT 1 BY monitor, part, measure, session
)
ORDER BY monitor, part, measure, session
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One number, as it is stored."""

    exchange: str
    ticker: str
    monitor: str
    part: str
    measure: str
    session: date
    value: float
    threshold: float | None
    model_name: str | None
    model_version: str | None
    measured_at: datetime


class MonitoringTable:
    """``client`` is asked for at each use, so that a server that was down at start is found later.

    Raises:
        clickhouse_connect.driver.exceptions.ClickHouseError: any method, when the server does not answer or refuses.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def add(self, rows: Sequence[Measured]) -> None:
        if rows:
            values = [[getattr(row, name) for name in _COLUMNS] for row in rows]
            self._client().insert("monitoring", values, column_names=list(_COLUMNS))

    def newest(self, instruments: Collection[Instrument] | None = None) -> list[Measured]:
        """The numbers of the newest pass over each of ``instruments`` (None: over each that there is)."""
        conditions = "" if instruments is None else "WHERE (exchange, ticker) IN {wanted:Array(Tuple(String, String))}"
        wanted = [(instrument.exchange, instrument.ticker) for instrument in instruments or ()]
        return self._read(_NEWEST.replace("{conditions}", conditions), {"wanted": wanted})

    def series(self, instrument: Instrument, after: date) -> list[Measured]:
        """Every number by session, of sessions later than ``after``."""
        parameters = {"exchange": instrument.exchange, "ticker": instrument.ticker, "after": after}
        return self._read(_SERIES, parameters)

    def delete_before(self, measured_at: datetime) -> None:
        """Forget what was measured earlier than that (aware)."""
        for table in ("monitoring", "monitoring_newest"):
            self._client().command(
                f"DELETE FROM {table} WHERE measured_at < {{before:DateTime64(6, 'UTC')}}",  # noqa: S608  constants
                parameters={"before": measured_at},
            )

    def _read(self, query: str, parameters: dict[str, object]) -> list[Measured]:
        rows = self._client().query(query, parameters=parameters, tz_mode="aware").result_rows
        return [Measured(*row) for row in rows]
