from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

import pytest
from stock_mlops.errors import NotFoundError
from stock_mlops.instruments import Instrument
from stock_mlops.services.monitoring_view import state_of, states
from stock_mlops.stores.monitoring import Measured

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
AAPL, IBM = Instrument("US", "AAPL"), Instrument("US", "IBM")


def row(ticker: str, measure: str, session: date = date(2012, 6, 29), value: float = 1.0) -> Measured:
    return Measured("US", ticker, "drift", "returns", measure, session, value, None, None, None, NOW)


class Table:
    def __init__(self) -> None:
        self.rows = [row("IBM", "features"), row("AAPL", "statistic"), row("AAPL", "features")]
        self.after: date | None = None

    def newest(self, instruments: Collection[Instrument] | None = None) -> Sequence[Measured]:
        return [
            item for item in self.rows if instruments is None or Instrument(item.exchange, item.ticker) in instruments
        ]

    def series(self, instrument: Instrument, after: date) -> Sequence[Measured]:
        self.after = after
        days = [date(2012, 6, 28), date(2012, 6, 29)]
        return [row(instrument.ticker, measure, day) for measure in ("features", "statistic") for day in days]


def test_states_are_by_ticker() -> None:
    found = states(Table())
    assert [(state.instrument, len(state.numbers)) for state in found] == [(AAPL, 2), (IBM, 1)]


def test_a_state_has_each_number_over_the_sessions_asked_for() -> None:
    table = Table()
    state = state_of(table, AAPL, 2)
    assert table.after == date(2012, 6, 27)
    assert [(series.measure, [point.session.day for point in series.points]) for series in state.series] == [
        ("features", [28, 29]),
        ("statistic", [28, 29]),
    ]


def test_a_ticker_that_nobody_looked_at_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="US:MSFT has not been looked at yet"):
        state_of(Table(), Instrument("US", "MSFT"), 10)
