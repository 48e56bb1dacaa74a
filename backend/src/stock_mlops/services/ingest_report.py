"""What an ingest did, per ticker, in plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

import polars as pl

from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import ROW_NUMBER

# A report is read by people and kept as JSON; the quarantine table has all.
_SHOWN = 100

Written = Literal["nothing", "tail", "all"]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was refused."""

    session: date | None
    row_number: int | None
    """Line of a CSV file (the header is line 1), else the row."""
    reason: str


@dataclass(slots=True)
class TickerReport:
    instrument: Instrument
    rows_read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    """The first hundred of ``rejected``."""
    missing_sessions: int = 0
    """Sessions of the exchange between the first and the last stored one that have no row."""
    first_session: date | None = None
    last_session: date | None = None
    warehouse: Written = "nothing"
    """What of the instrument was written to ClickHouse."""
    notes: list[str] = field(default_factory=list)
    """What the source had to assume."""
    error: str | None = None

    def reject(self, rows: pl.DataFrame) -> None:
        """Add refused rows (columns session, row_number, reason)."""
        self.rejected += len(rows)
        shown = rows.select("session", ROW_NUMBER, "reason").head(_SHOWN - len(self.rejections))
        self.rejections += [Rejection(*row) for row in shown.rows()]

    def as_dict(self) -> dict[str, Any]:
        """JSON values, dates as ISO texts."""
        values = asdict(self)
        del values["instrument"]
        values["rejections"] = [{**row, "session": _iso(row["session"])} for row in values["rejections"]]
        spans = {"first_session": _iso(self.first_session), "last_session": _iso(self.last_session)}
        return {"exchange": self.instrument.exchange, "ticker": self.instrument.ticker, **values, **spans}


@dataclass(frozen=True, slots=True)
class IngestReport:
    source: str
    tickers: Sequence[TickerReport]

    @property
    def new(self) -> int:
        return sum(ticker.new for ticker in self.tickers)

    @property
    def changed(self) -> int:
        return sum(ticker.changed for ticker in self.tickers)

    @property
    def failed(self) -> list[TickerReport]:
        return [ticker for ticker in self.tickers if ticker.error is not None]


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
