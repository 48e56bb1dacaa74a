"""Real prices of five US shares, 2000 to 2013, shipped with the package; see README.md beside the data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.prices.schema import ROW_NUMBER, SOURCE_SCHEMA
from stock_mlops.prices.sources.base import Fetched, FetchRequest, SourceError, Timeline

EXCHANGE = "US"
FILE = Path(__file__).with_name("daily.parquet")

_NAMES = {
    "AAPL": "Apple",
    "FB": "Facebook",
    "GOOG": "Google",
    "IBM": "International Business Machines",
    "MSFT": "Microsoft",
}

# Apple fell by 51.9 % the day after its profit warning of 28 September 2000.
_REAL_MOVES = {"AAPL": frozenset({date(2000, 9, 29)})}


class SampleSource:
    """Releases each session of the sample when the replayed market time has passed its close."""

    name = "sample"
    timeline: Timeline = "replay"

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(EXCHANGE, ticker) for ticker in _daily()["ticker"].unique(maintain_order=True))

    @property
    def first_session(self) -> date:
        return _session(_daily()["session"].min())

    @property
    def last_session(self) -> date:
        return _session(_daily()["session"].max())

    def fetch(self, request: FetchRequest) -> Iterator[Fetched]:
        wanted = self.instruments() if request.instruments is None else request.instruments
        released = sessions_of(EXCHANGE).last_closed(request.until)
        for instrument in wanted:
            yield self._of(instrument, released, request)

    def _of(self, instrument: Instrument, released: date, request: FetchRequest) -> Fetched:
        rows = _daily().filter(pl.col("ticker") == instrument.ticker)
        if instrument.exchange != EXCHANGE or rows.is_empty():
            known = ", ".join(str(item) for item in self.instruments())
            return Fetched(instrument, error=f"the sample has no {instrument}; it has {known}")
        rows = rows.filter(pl.col("session") <= released)
        stored = request.stored.get(instrument)
        if stored is not None and not request.full:
            rows = rows.filter(pl.col("session") > stored["session"].max())
        return Fetched(
            instrument,
            rows,
            name=_NAMES[instrument.ticker],
            vouched=_REAL_MOVES.get(instrument.ticker, frozenset()),
        )


@cache
def _daily() -> pl.DataFrame:
    rows = pl.read_parquet(FILE)
    return (
        rows.with_row_index(ROW_NUMBER, offset=1)
        .with_columns(exchange=pl.lit(EXCHANGE), source=pl.lit(SampleSource.name))
        .select(pl.col(name).cast(kind) for name, kind in SOURCE_SCHEMA.items())
    )


def _session(value: object) -> date:
    if not isinstance(value, date):
        raise SourceError(f"{FILE} holds no sessions; make it again with scripts/build_sample.py")
    return value
