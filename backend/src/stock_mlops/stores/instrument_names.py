"""Names and timelines of the instruments in raw_db, for readers that need no prices and no data frame library."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

from stock_mlops.instruments import Instrument


@dataclass(frozen=True, slots=True)
class InstrumentName:
    name: str
    timeline: str


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument that was found."""

    instrument: Instrument
    name: str
    timeline: str


class InstrumentNames:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> dict[Instrument, InstrumentName]:
        with self._engine.connect() as connection:
            rows = connection.execute(text("SELECT exchange, ticker, name, timeline FROM instruments")).all()
        return {Instrument(row.exchange, row.ticker): InstrumentName(row.name, row.timeline) for row in rows}

    def search(self, words: str, exchange: str | None = None, limit: int = 20) -> list[Listing]:
        """Instruments whose ticker or name holds ``words``, best first: the very ticker, tickers that begin so, names
        of which a word begins so, the rest. Case does not matter; empty finds all."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                text("""
                    SELECT exchange, ticker, name, timeline FROM instruments
                    WHERE (CAST(:exchange AS text) IS NULL OR exchange = :exchange)
                        AND (strpos(ticker, upper(:words)) > 0 OR strpos(lower(name), lower(:words)) > 0)
                    ORDER BY ticker = upper(:words) DESC, starts_with(ticker, upper(:words)) DESC,
                        strpos(' ' || lower(name), ' ' || lower(:words)) > 0 DESC, ticker, exchange
                    LIMIT :limit
                """),
                {"words": words, "exchange": exchange, "limit": limit},
            ).all()
        return [Listing(Instrument(row.exchange, row.ticker), row.name, row.timeline) for row in rows]
