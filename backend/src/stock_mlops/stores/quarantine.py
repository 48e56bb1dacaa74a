"""Rows that the quality gate refused, kept with the reason until the session has a good row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import polars as pl
from sqlalchemy import Engine, text

from stock_mlops.instruments import Instrument
from stock_mlops.prices.quality import MOVED
from stock_mlops.prices.schema import OHLC, ROW_NUMBER
from stock_mlops.stores.copying import copy_in, copy_out

_ROW = (*OHLC, "volume", "dividend", "split", "adj_close")
MOVES_SCHEMA: dict[str, pl.DataType] = {
    "exchange": pl.String(),
    "ticker": pl.String(),
    "session": pl.Date(),
    "close": pl.Float64(),
    "seen_at": pl.Datetime("us", "UTC"),
    "resolved": pl.Boolean(),
}

# The same row refused again for the same reason is the same entry: a second run adds nothing.
_ADD = text("""
    INSERT INTO quarantine (exchange, ticker, session, row_number, reason, row, source, seen_at)
    SELECT s.exchange, s.ticker, s.session, s.row_number, s.reason, s.row, s.source, :now
    FROM staged_quarantine AS s
    WHERE NOT EXISTS (
        SELECT FROM quarantine AS q
        WHERE q.exchange = s.exchange AND q.ticker = s.ticker AND q.session IS NOT DISTINCT FROM s.session
          AND q.reason = s.reason AND q.row = s.row AND q.row_number IS NOT DISTINCT FROM s.row_number
    )
""")
_RESOLVE = text("""
    UPDATE quarantine AS q SET resolved_at = :now
    FROM raw_prices AS p
    WHERE p.exchange = q.exchange AND p.ticker = q.ticker AND p.session = q.session AND q.resolved_at IS NULL
      AND (q.exchange, q.ticker) IN (SELECT * FROM unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[])))
""")
_MOVES = """
    SELECT exchange, ticker, session, (row ->> 'close')::float8, min(seen_at), bool_or(resolved_at IS NOT NULL)
    FROM quarantine
    WHERE starts_with(reason, %s) AND (exchange, ticker) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


class Quarantine:
    """Refused rows by instrument.

    Raises:
        sqlalchemy.exc.OperationalError: any method, when the server does not answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, rejected: pl.DataFrame, now: datetime) -> None:
        """Enter the rows of ``rejected`` (columns of ``REJECTED_SCHEMA``) that are not there yet."""
        if rejected.is_empty():
            return
        rows = rejected.select(
            "exchange", "ticker", "session", ROW_NUMBER, "reason", "source", row=pl.struct(_ROW).struct.json_encode()
        )
        with self._engine.begin() as connection:
            connection.execute(text("CREATE TEMP TABLE staged_quarantine (LIKE quarantine) ON COMMIT DROP"))
            for column in ("id", "seen_at"):
                connection.execute(text(f"ALTER TABLE staged_quarantine ALTER {column} DROP NOT NULL"))
            copy_in(connection, "staged_quarantine", rows)
            connection.execute(_ADD, {"now": now})

    def resolve(self, instruments: Iterable[Instrument], now: datetime) -> None:
        """Close the entries whose session has a row in raw_prices by now."""
        wanted = list(instruments)
        keys = {"exchanges": [item.exchange for item in wanted], "tickers": [item.ticker for item in wanted]}
        with self._engine.begin() as connection:
            connection.execute(_RESOLVE, {**keys, "now": now})

    def moves(self, instruments: Iterable[Instrument]) -> pl.DataFrame:
        """Closes that were refused for a move without a split, and when first; columns of ``MOVES_SCHEMA``."""
        wanted = list(instruments)
        keys = ([item.exchange for item in wanted], [item.ticker for item in wanted])
        with self._engine.connect() as connection:
            return copy_out(connection, _MOVES, (MOVED, *keys), MOVES_SCHEMA)
