"""Names and timelines of the instruments in raw_db, for readers that need no prices and no data frame library."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

from stock_mlops.instruments import Instrument


@dataclass(frozen=True, slots=True)
class InstrumentName:
    name: str
    timeline: str


class InstrumentNames:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> dict[Instrument, InstrumentName]:
        with self._engine.connect() as connection:
            rows = connection.execute(text("SELECT exchange, ticker, name, timeline FROM instruments")).all()
        return {Instrument(row.exchange, row.ticker): InstrumentName(row.name, row.timeline) for row in rows}
