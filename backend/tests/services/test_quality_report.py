from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from stock_mlops.errors import NoDataError
from stock_mlops.instruments import Instrument
from stock_mlops.services.quality_report import report_quality
from stock_mlops.stores.quarantine_entries import QuarantineCount, QuarantineEntry

AAPL = Instrument("US", "AAPL")
ENTRY = QuarantineEntry(date(2012, 7, 3), 4, "close is missing", {}, "file", datetime(2026, 1, 1, tzinfo=UTC), None)


class Entries:
    def __init__(self, *sessions: date) -> None:
        self._sessions = list(sessions)

    def newest(self, instrument: Instrument, limit: int) -> list[QuarantineEntry]:
        return [ENTRY][:limit]

    def counts(self, instrument: Instrument | None = None) -> dict[Instrument, QuarantineCount]:
        return {AAPL: QuarantineCount(1, 4)}

    def sessions(self, instrument: Instrument) -> list[date]:
        return self._sessions


def test_sessions_of_the_exchange_without_a_row_are_missing_holidays_are_not() -> None:
    report = report_quality(AAPL, Entries(date(2012, 6, 29), date(2012, 7, 3), date(2012, 7, 6)))
    # 4 July is a holiday; 30 June and 1 July are a weekend.
    assert report.missing == (date(2012, 7, 5), date(2012, 7, 2))
    assert (report.sessions_stored, report.sessions_expected, report.sessions_missing) == (3, 5, 2)
    assert (report.rejected, report.entries) == (QuarantineCount(1, 4), (ENTRY,))


def test_an_instrument_without_rows_has_no_report() -> None:
    with pytest.raises(NoDataError):
        report_quality(AAPL, Entries())
