"""What monitoring saw, put in order for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from stock_mlops.errors import NotFoundError
from stock_mlops.instruments import Instrument
from stock_mlops.stores.monitoring import Measured


class MeasuredNumbers(Protocol):
    """``stores.monitoring.MonitoringTable``, or a list in a test."""

    def newest(self, instruments: Collection[Instrument] | None = None) -> Sequence[Measured]: ...

    def series(self, instrument: Instrument, after: date) -> Sequence[Measured]: ...


@dataclass(frozen=True, slots=True)
class MeasuredSeries:
    """One number over the sessions; ``points`` are oldest first."""

    monitor: str
    part: str
    measure: str
    points: tuple[Measured, ...]


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """What the newest pass over one instrument measured, and what passes before it did."""

    instrument: Instrument
    session: date
    measured_at: datetime
    model_name: str | None
    """None: the random walk serves it."""
    model_version: str | None
    numbers: tuple[Measured, ...]
    series: tuple[MeasuredSeries, ...] = ()


def states(table: MeasuredNumbers) -> list[InstrumentState]:
    """Of every instrument, by exchange and ticker."""
    by_instrument: dict[Instrument, list[Measured]] = defaultdict(list)
    for row in table.newest():
        by_instrument[Instrument(row.exchange, row.ticker)].append(row)
    return [_state(instrument, rows) for instrument, rows in sorted(by_instrument.items())]


def state_of(table: MeasuredNumbers, instrument: Instrument, sessions: int) -> InstrumentState:
    """With the series of the newest ``sessions``.

    Raises:
        NotFoundError: nobody has looked at the instrument yet.
    """
    newest = table.newest([instrument])
    if not newest:
        raise NotFoundError(
            f"{instrument.key} has not been looked at yet; monitoring does so every hour, and at once by"
            " POST /api/flows/monitoring/runs"
        )
    after = instrument.sessions.previous(newest[0].session, sessions)
    return _state(instrument, newest, _series(table.series(instrument, after)))


def _state(instrument: Instrument, rows: Sequence[Measured], series: Sequence[MeasuredSeries] = ()) -> InstrumentState:
    first = rows[0]
    return InstrumentState(
        instrument,
        first.session,
        first.measured_at,
        first.model_name,
        first.model_version,
        tuple(rows),
        tuple(series),
    )


def _series(rows: Iterable[Measured]) -> list[MeasuredSeries]:
    points: dict[tuple[str, str, str], list[Measured]] = defaultdict(list)
    for row in rows:
        points[row.monitor, row.part, row.measure].append(row)
    return [MeasuredSeries(*key, tuple(found)) for key, found in points.items()]
