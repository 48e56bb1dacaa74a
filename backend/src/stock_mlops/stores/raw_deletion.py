"""Deleting an instrument from raw_db. Needs no data frame library."""

from __future__ import annotations

from sqlalchemy import Engine, text

from stock_mlops.instruments import Instrument

_THIS = "WHERE exchange = :exchange AND ticker = :ticker"


class RawDeletion:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def has(self, instrument: Instrument) -> bool:
        with self._engine.connect() as connection:
            found = connection.execute(text(f"SELECT 1 FROM instruments {_THIS}"), _key(instrument))  # noqa: S608
            return found.first() is not None

    def delete(self, instrument: Instrument) -> int:
        """Delete the instrument with its raw prices, their history and its quarantine; returns how many prices."""
        with self._engine.begin() as connection:
            # The instrument first, locked so to the end: an ingest of the same one waits, or is waited for.
            gone = [
                connection.execute(text(f"DELETE FROM {table} {_THIS}"), _key(instrument)).rowcount  # noqa: S608
                for table in ("instruments", "raw_prices_history", "quarantine", "raw_prices")
            ]
        return int(gone[-1])


def _key(instrument: Instrument) -> dict[str, str]:
    return {"exchange": instrument.exchange, "ticker": instrument.ticker}
