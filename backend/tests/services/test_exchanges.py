from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from stock_mlops.instruments import MARKETS
from stock_mlops.services.exchanges import ExchangeState, describe_exchanges


def at(exchange: str, moment: datetime) -> ExchangeState:
    (found,) = [item for item in describe_exchanges(moment) if item.exchange == exchange]
    return found


def test_every_market_is_described() -> None:
    assert [item.exchange for item in describe_exchanges(datetime(2024, 7, 1, 12, tzinfo=UTC))] == list(MARKETS)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2024, 7, 3, 13, 29, tzinfo=UTC), False),
        (datetime(2024, 7, 3, 13, 30, tzinfo=UTC), True),
        (datetime(2024, 7, 3, 16, 59, tzinfo=UTC), True),
        (datetime(2024, 7, 3, 17, 0, tzinfo=UTC), False),  # the day before Independence Day closes early
    ],
)
def test_new_york_is_open_from_its_bell_to_an_early_close(moment: datetime, is_open: bool) -> None:
    state = at("US", moment)
    assert state.is_open is is_open
    assert state.today is not None
    assert (state.today.session, state.today.closes_at) == (date(2024, 7, 3), datetime(2024, 7, 3, 17, tzinfo=UTC))
    assert state.next.session == date(2024, 7, 5)  # the fourth is a holiday
    assert (state.name, state.timezone, state.calendar) == ("NYSE and Nasdaq", "America/New_York", "XNYS")


def test_a_holiday_has_no_session() -> None:
    state = at("US", datetime(2024, 7, 4, 15, tzinfo=UTC))
    assert (state.today, state.is_open) == (None, False)


@pytest.mark.parametrize(("hour", "is_open"), [(3, True), (4, False), (5, True), (8, False)])
def test_hong_kong_is_closed_over_lunch(hour: int, is_open: bool) -> None:
    state = at("HK", datetime(2026, 11, 23, hour, 1, tzinfo=UTC))
    assert state.lunch == (time(12), time(13))
    assert state.is_open is is_open


def test_the_exchanges_own_date_counts() -> None:
    """On Sunday at 23:30 UTC it is Monday in Sydney, and the session there has begun."""
    state = at("AU", datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    assert state.today is not None
    assert (state.today.session, state.is_open) == (date(2026, 11, 23), True)


def test_outside_what_the_calendar_records_no_opening_is_known() -> None:
    state = at("US", datetime(1950, 7, 5, 15, tzinfo=UTC))
    assert state.today is not None
    assert (state.today.opens_at, state.is_open) == (None, False)
