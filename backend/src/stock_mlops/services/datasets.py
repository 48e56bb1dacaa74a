"""What the warehouse holds, and whether it is up to date by its market's clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from stock_mlops.instruments import Instrument
from stock_mlops.stores.market_clock import Clocks
from stock_mlops.stores.warehouse import DatasetRow


class Described(Protocol):
    """What raw_db knows of an instrument."""

    @property
    def name(self) -> str: ...
    @property
    def timeline(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Dataset:
    """One instrument in the warehouse."""

    exchange: str
    ticker: str
    name: str
    source: str
    timeline: str
    first_session: date
    last_session: date
    rows: int
    last_close: float
    """As traded, in the instrument's currency."""
    loaded_at: datetime
    expected_session: date
    """Newest session that has closed by the market clock of the instrument's timeline."""
    sessions_behind: int
    sessions_missing: int
    """Of the exchange, between the first and the last one stored."""
    rows_refused: int
    """By the quality gate, and not replaced by good ones since."""

    @property
    def fresh(self) -> bool:
        return self.sessions_behind == 0


def describe_datasets(
    rows: Iterable[DatasetRow],
    instruments: Mapping[Instrument, Described],
    clocks: Clocks,
    refused: Mapping[Instrument, int] | None = None,
) -> list[Dataset]:
    """The warehouse's rows with their names, freshness and quality, by exchange and ticker.

    Args:
        refused: of each instrument, rows in quarantine.

    Rows of an instrument that raw_db does not know are left out: they are remains of a deletion.
    """
    known = ((row, instruments.get(Instrument(row.exchange, row.ticker))) for row in rows)
    datasets = [_describe(row, entry, clocks, refused or {}) for row, entry in known if entry is not None]
    return sorted(datasets, key=lambda dataset: (dataset.exchange, dataset.ticker))


def _describe(row: DatasetRow, entry: Described, clocks: Clocks, refused: Mapping[Instrument, int]) -> Dataset:
    instrument = Instrument(row.exchange, row.ticker)
    sessions = instrument.sessions
    expected = sessions.last_closed(clocks.clock(entry.timeline).now())
    return Dataset(
        exchange=row.exchange,
        ticker=row.ticker,
        name=entry.name,
        source=row.source,
        timeline=entry.timeline,
        first_session=row.first_session,
        last_session=row.last_session,
        rows=row.rows,
        last_close=row.last_close,
        loaded_at=row.loaded_at,
        expected_session=expected,
        sessions_behind=sessions.count(row.last_session, expected),
        sessions_missing=max(0, len(sessions.array(row.first_session, row.last_session)) - row.rows),
        rows_refused=refused.get(instrument, 0),
    )
