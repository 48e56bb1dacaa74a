"""What is wrong with the prices of one instrument: sessions without a row, and rows that the gate refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from stock_mlops.instruments import Instrument
from stock_mlops.services.forecast_events import no_data
from stock_mlops.stores.quarantine_entries import QuarantineCount, QuarantineEntry

# A page is read by people; the tables have all.
SHOWN = 250


class Entries(Protocol):
    """``stores.quarantine_entries.QuarantineEntries``, or a list in a test."""

    def newest(self, instrument: Instrument, limit: int) -> Sequence[QuarantineEntry]: ...

    def counts(self, instrument: Instrument | None = None) -> Mapping[Instrument, QuarantineCount]: ...

    def sessions(self, instrument: Instrument) -> Sequence[date]: ...


@dataclass(frozen=True, slots=True)
class QualityReport:
    instrument: Instrument
    first_session: date
    last_session: date
    sessions_stored: int
    sessions_expected: int
    """Of the exchange, from the first stored one to the last."""
    missing: tuple[date, ...]
    """Newest first, ``SHOWN`` at most."""
    rejected: QuarantineCount
    entries: tuple[QuarantineEntry, ...]
    """Newest first, ``SHOWN`` at most."""

    @property
    def sessions_missing(self) -> int:
        return self.sessions_expected - self.sessions_stored


def report_quality(instrument: Instrument, entries: Entries) -> QualityReport:
    """
    Raises:
        NoDataError: nothing of the instrument is stored.
    """
    stored = entries.sessions(instrument)
    rejected = entries.counts(instrument).get(instrument, QuarantineCount())
    if not stored:
        raise no_data(instrument)
    expected = instrument.sessions.between(stored[0], stored[-1])
    # A market that trades on a day that the calendar does not know is no gap.
    missing = sorted(set(expected).difference(stored), reverse=True)
    return QualityReport(
        instrument,
        stored[0],
        stored[-1],
        len(stored),
        len(stored) + len(missing),
        tuple(missing[:SHOWN]),
        rejected,
        tuple(entries.newest(instrument, SHOWN)),
    )
