"""Settlements: what became of each prediction, written and read set by set in ClickHouse.

A prediction is settled when the closes of both its sessions are stored, and again when a revised price changes what it
should have said. Reads take the newest version of each settlement: the table replaces rows when it merges, later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from stock_mlops.instruments import Instrument

# A realised return that moved by less did not change: rescaling a whole history rounds anew.
_SAME_RETURN = 1e-9

_SETTLE = """
INSERT INTO settlements (
    prediction_id, exchange, ticker, made_at, as_of, target_session, horizon, model_name, model_version, origin,
    predicted_return, actual_close, actual_return, error, error_pct, random_walk_squared_error, hit, level, covered,
    width, settled_at, version
)
WITH
    made AS (
        SELECT
            prediction_id, exchange, ticker, made_at, as_of, target_session, horizon, model_name, model_version, origin,
            last_close, predicted_return, predicted_close, lower, upper, level
        FROM predictions WHERE (exchange, ticker) IN {instruments:Array(Tuple(String, String))}
    ),
    closes AS (
        SELECT exchange AS market, ticker AS symbol, session, argMax(close, version) AS adjusted FROM prices
        WHERE (exchange, ticker) IN {instruments:Array(Tuple(String, String))} GROUP BY exchange, ticker, session
    ),
    settled AS (
        SELECT prediction_id AS id, argMax(actual_return, version) AS known, max(version) AS latest FROM settlements
        WHERE (exchange, ticker) IN {instruments:Array(Tuple(String, String))} GROUP BY prediction_id
    )
SELECT
    prediction_id, exchange, ticker, made_at, as_of, target_session, horizon, model_name, model_version, origin,
    predicted_return,
    last_close * exp(actual_return) AS actual_close,
    log(target.adjusted / base.adjusted) AS actual_return,
    predicted_return - actual_return,
    predicted_close / actual_close - 1,
    actual_return * actual_return,
    if(predicted_return = 0 OR actual_return = 0, NULL, (predicted_return > 0) = (actual_return > 0)),
    level,
    actual_close BETWEEN lower AND upper,
    log(upper / lower),
    {settled_at:DateTime64(6, 'UTC')},
    settled.latest + 1
FROM made
INNER JOIN closes AS base ON base.market = exchange AND base.symbol = ticker AND base.session = as_of
INNER JOIN closes AS target ON target.market = exchange AND target.symbol = ticker AND target.session = target_session
LEFT JOIN settled ON settled.id = prediction_id
WHERE settled.latest = 0 OR abs(settled.known - actual_return) > {same_return:Float64}
LIMIT 1 BY prediction_id
"""

_SETTLED_AT = """
SELECT exchange, ticker, model_name, model_version, horizon,
    uniqExactIf(prediction_id, version = 1), uniqExactIf(prediction_id, version > 1)
FROM settlements
WHERE (exchange, ticker) IN {instruments:Array(Tuple(String, String))}
    AND settled_at = {settled_at:DateTime64(6, 'UTC')}
GROUP BY exchange, ticker, model_name, model_version, horizon
ORDER BY exchange, ticker, model_name, model_version, horizon
"""

# Asking twice does not make a forecast twice as good: of each session a model's newest one counts.
_ROLLING = """
SELECT exchange, ticker, model_name, model_version, horizon, arrayJoin({windows:Array(UInt32)}) AS window,
    count(), min(target_session), max(target_session),
    sqrt(avg(error * error)), avg(abs(error)), avg(error),
    if(sum(random_walk_squared_error) > 0, 1 - sum(error * error) / sum(random_walk_squared_error), NULL),
    avg(toUInt8(hit)), avg(level), avg(toUInt8(covered)), avg(width)
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY exchange, ticker, model_name, model_version, horizon ORDER BY target_session DESC
    ) AS age
    FROM (
        SELECT * FROM settlements WHERE {conditions}
        ORDER BY made_at DESC, prediction_id DESC, version DESC
        LIMIT 1 BY exchange, ticker, model_name, model_version, horizon, target_session
    )
)
WHERE age <= window
GROUP BY exchange, ticker, model_name, model_version, horizon, window
ORDER BY exchange, ticker, max(target_session) DESC, model_name, model_version, horizon, window
LIMIT {limit:UInt32}
"""


@dataclass(frozen=True, slots=True)
class SettledGroup:
    """How many predictions of one model version and horizon one pass settled."""

    instrument: Instrument
    model_name: str
    model_version: str | None
    horizon: int
    settled: int
    """For the first time."""
    revised: int
    """Again, because a price was revised."""


@dataclass(frozen=True, slots=True)
class RollingAccuracy:
    """How one model version did on the newest settled sessions of one ticker and horizon, in log returns. None where
    the sample does not define a number."""

    exchange: str
    ticker: str
    model_name: str
    model_version: str | None
    horizon: int
    window: int
    """Sessions asked for; ``n`` were there."""
    n: int
    first_session: date
    """Target sessions."""
    last_session: date
    rmse: float
    mae: float
    bias: float
    """Mean of forecast minus realised: above zero is too optimistic."""
    skill: float | None
    """``1 - MSE / MSE of the random walk``: above zero beats it."""
    hit_rate: float | None
    """Share of non-zero moves whose direction was forecast."""
    level: float | None
    """Stated coverage of the intervals, mean."""
    coverage: float | None
    """Share of closes inside their intervals."""
    width: float | None
    """Of the intervals, from end to end, mean."""


@dataclass(frozen=True, slots=True)
class AccuracyFilter:
    exchange: str | None = None
    ticker: str | None = None
    model: str | None = None
    horizon: int | None = None


class Settlements:
    """``client`` is asked for at each use, so that a server that was down at start is found later.

    Raises:
        clickhouse_connect.driver.exceptions.ClickHouseError: any method, when the server does not answer or refuses.
    """

    def __init__(self, client: Callable[[], Client]) -> None:
        self._client = client

    def predicted(self, instruments: Collection[Instrument] | None = None) -> dict[Instrument, int]:
        """How many predictions are stored of each of ``instruments`` (None: of all) that has any."""
        where = "" if instruments is None else " WHERE (exchange, ticker) IN {instruments:Array(Tuple(String, String))}"
        rows = (
            self._client()
            .query(
                f"SELECT exchange, ticker, count() FROM predictions{where} GROUP BY exchange, ticker",  # noqa: S608
                parameters={"instruments": _pairs(instruments or ())},
            )
            .result_rows
        )
        return {Instrument(exchange, ticker): count for exchange, ticker, count in rows}

    def settle(self, instruments: Collection[Instrument], settled_at: datetime) -> list[SettledGroup]:
        """Settle what can be settled and is not, and what is settled by prices that are no longer right.

        One statement; a second one at once finds nothing to do. Its memory grows with the predictions of
        ``instruments``.

        Args:
            settled_at: now (aware); also names this pass, so no two passes may bear the same.
        """
        client = self._client()
        parameters = {"instruments": _pairs(instruments), "settled_at": settled_at}
        client.command(_SETTLE, parameters=parameters | {"same_return": _SAME_RETURN})
        rows = client.query(_SETTLED_AT, parameters=parameters).result_rows
        return [SettledGroup(Instrument(*row[:2]), *row[2:]) for row in rows]

    def rolling(
        self, wanted: AccuracyFilter, windows: Sequence[int] = (60,), limit: int = 500
    ) -> list[RollingAccuracy]:
        """Accuracy over the last sessions of each window: one row per ticker, model version, horizon and window; what
        was settled last comes first."""
        candidates: list[tuple[str, str, Any]] = [
            ("exchange", "exchange = {exchange:String}", wanted.exchange),
            ("ticker", "ticker = {ticker:String}", wanted.ticker),
            ("model", "model_name = {model:String}", wanted.model),
            ("horizon", "horizon = {horizon:UInt16}", wanted.horizon),
        ]
        given = [item for item in candidates if item[2] is not None]
        conditions = " AND ".join(condition for _, condition, _ in given) or "true"
        parameters = {name: value for name, _, value in given} | {"windows": list(windows), "limit": limit}
        rows = self._client().query(_ROLLING.replace("{conditions}", conditions), parameters=parameters).result_rows
        return [RollingAccuracy(*row) for row in rows]


def _pairs(instruments: Collection[Instrument]) -> list[tuple[str, str]]:
    return sorted((instrument.exchange, instrument.ticker) for instrument in instruments)
