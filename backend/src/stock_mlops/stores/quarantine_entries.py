"""The quarantine for people: what was refused of an instrument, and why. Needs no data frame library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, text

from stock_mlops.instruments import Instrument


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    session: date | None
    row_number: int | None
    """Line of a CSV file (the header is line 1), else the row."""
    reason: str
    row: dict[str, Any]
    """As it came."""
    source: str
    seen_at: datetime
    resolved_at: datetime | None
    """When the session got a good row."""


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    open: int = 0
    resolved: int = 0


class QuarantineEntries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, instrument: Instrument, limit: int) -> list[QuarantineEntry]:
        with self._engine.connect() as connection:
            rows = connection.execute(
                text("""
                    SELECT session, row_number, reason, row, source, seen_at, resolved_at FROM quarantine
                    WHERE exchange = :exchange AND ticker = :ticker ORDER BY seen_at DESC, id DESC LIMIT :limit
                """),
                {"exchange": instrument.exchange, "ticker": instrument.ticker, "limit": limit},
            ).all()
        return [QuarantineEntry(*row) for row in rows]

    def counts(self, instrument: Instrument | None = None) -> dict[Instrument, QuarantineCount]:
        """Of one instrument, or of all that have any."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                text("""
                    SELECT exchange, ticker, count(*) FILTER (WHERE resolved_at IS NULL),
                        count(*) FILTER (WHERE resolved_at IS NOT NULL)
                    FROM quarantine
                    WHERE CAST(:ticker AS text) IS NULL OR (exchange = :exchange AND ticker = :ticker)
                    GROUP BY exchange, ticker
                """),
                {
                    "exchange": None if instrument is None else instrument.exchange,
                    "ticker": None if instrument is None else instrument.ticker,
                },
            ).all()
        return {Instrument(row[0], row[1]): QuarantineCount(row[2], row[3]) for row in rows}

    def sessions(self, instrument: Instrument) -> list[date]:
        """Those that have a row, ascending."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                text("SELECT session FROM raw_prices WHERE exchange = :exchange AND ticker = :ticker ORDER BY session"),
                {"exchange": instrument.exchange, "ticker": instrument.ticker},
            )
            return list(rows.scalars())
