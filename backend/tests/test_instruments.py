from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.instruments import MARKETS, Instrument, parse_symbol, sessions_of

US, TW = sessions_of("US"), sessions_of("TW")


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("aapl", "US", Instrument("US", "AAPL")),
        ("US:AAPL", "TW", Instrument("US", "AAPL")),
        ("2330.TW", "US", Instrument("TW", "2330")),
        ("2330.tw", "TW", Instrument("TW", "2330")),
        ("2330", "TW", Instrument("TW", "2330")),
        ("0700.HK", "US", Instrument("HK", "0700")),
        ("BRK.B", "US", Instrument("US", "BRK.B")),
        ("^GSPC", "US", Instrument("US", "^GSPC")),
    ],
)
def test_symbols_are_read_as_people_write_them(text: str, default: str, expected: Instrument) -> None:
    assert parse_symbol(text, default) == expected


@pytest.mark.parametrize(
    ("instrument", "symbol"),
    [(Instrument("TW", "2330"), "2330.TW"), (Instrument("US", "BRK.B"), "BRK-B"), (Instrument("UK", "HSBA"), "HSBA.L")],
)
def test_yahoo_has_its_own_symbols(instrument: Instrument, symbol: str) -> None:
    assert instrument.yahoo_symbol == symbol


@pytest.mark.parametrize(("exchange", "ticker"), [("XX", "AAPL"), ("US", "aapl"), ("US", ""), ("US", "A/B"), ("", "A")])
def test_an_impossible_instrument_is_refused(exchange: str, ticker: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Instrument(exchange, ticker)


def test_names_derived_from_an_instrument() -> None:
    apple = Instrument("US", "AAPL")
    assert (apple.key, apple.registered_model, str(apple)) == ("US:AAPL", "stock-US-AAPL", "US:AAPL")


def test_holidays_and_weekends_are_no_sessions() -> None:
    assert US.next(date(2012, 7, 3)) == date(2012, 7, 5)
    assert US.previous(date(2012, 7, 5)) == date(2012, 7, 3)
    assert US.next(date(2012, 7, 6), 2) == date(2012, 7, 10)
    assert not US.is_session(date(2012, 7, 4))
    assert US.between(date(2012, 7, 2), date(2012, 7, 6)) == [date(2012, 7, day) for day in (2, 3, 5, 6)]


def test_each_exchange_has_its_own_holidays() -> None:
    day = date(2024, 2, 12)  # Lunar New Year
    assert US.is_session(day)
    assert not TW.is_session(day)


def test_early_closes_count() -> None:
    assert US.close_time(date(2012, 7, 3)) == datetime(2012, 7, 3, 17, 0, tzinfo=UTC)
    assert US.close_time(date(2012, 7, 5)) == datetime(2012, 7, 5, 20, 0, tzinfo=UTC)
    assert TW.close_time(date(2024, 3, 1)) == datetime(2024, 3, 1, 5, 30, tzinfo=UTC)


def test_a_day_without_session_has_no_close() -> None:
    with pytest.raises(ValueError, match="2012-07-04 is not a session; the next one is 2012-07-05"):
        US.close_time(date(2012, 7, 4))


def test_the_last_closed_session_changes_at_the_close() -> None:
    assert US.last_closed(datetime(2012, 7, 3, 16, 59, tzinfo=UTC)) == date(2012, 7, 2)
    assert US.last_closed(datetime(2012, 7, 3, 17, 0, tzinfo=UTC)) == date(2012, 7, 3)
    assert US.last_closed(datetime(2012, 7, 5, 12, 0, tzinfo=UTC)) == date(2012, 7, 3)


def test_weekdays_stand_in_where_no_calendar_reaches() -> None:
    assert US.is_session(date(1935, 7, 4))
    assert US.next(date(2090, 12, 22)) == date(2090, 12, 25)
    assert US.close_time(date(2090, 12, 25)) == datetime(2090, 12, 25, 21, 0, tzinfo=UTC)


def test_days_beyond_all_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="sessions are known from 1900-01-01 to 2100-12-31"):
        US.next(date(2100, 12, 31))


@given(st.dates(date(1990, 1, 1), date(2026, 1, 1)), st.integers(1, 60))
def test_stepping_forth_and_back_returns(day: date, n: int) -> None:
    session = US.next(day)
    later = US.next(session, n)
    assert US.previous(later, n) == session
    assert US.count(session, later) == n
    assert US.count(later, session) == 0
    assert len(US.between(session, later)) == n + 1


# exchange_calendars 4.13 uses what pandas 3.1 deprecates.
@pytest.mark.filterwarnings("ignore:Series.values returning")
@pytest.mark.parametrize("exchange", ["US", "TW"])
def test_sessions_are_those_of_exchange_calendars(exchange: str) -> None:
    import exchange_calendars
    import pandas as pd

    calendar = exchange_calendars.get_calendar(MARKETS[exchange].calendar, start="2005-01-01", end="2024-12-31")
    ours = sessions_of(exchange)
    days = calendar.sessions.to_numpy().astype("datetime64[D]")
    assert np.array_equal(ours.array(date(2005, 1, 1), date(2024, 12, 31)), days)
    some = calendar.sessions[::97]
    assert [ours.close_time(day.date()) for day in some] == [
        calendar.session_close(pd.Timestamp(day)).to_pydatetime() for day in some
    ]
