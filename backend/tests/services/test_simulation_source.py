from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from stock_kit.settings import Settings
from stock_mlops.errors import InvalidRequestError
from stock_mlops.instruments import Instrument
from stock_mlops.prices.sources import FetchRequest
from stock_mlops.services.simulation_source import StoredHistory, clipped, open_history
from stock_mlops.simulation.plan import Plan

AAPL = Instrument("US", "AAPL")


def plan(**values: Any) -> Plan:
    known: dict[str, Any] = {"first": date(2010, 1, 4), "last": date(2010, 3, 31), "tickers": ("AAPL", "IBM")}
    return Plan(**known | values)


@pytest.fixture(scope="module")
def history() -> StoredHistory:
    return open_history(Settings.model_construct(), plan())


def test_rows_after_the_last_day_are_not_even_read(history: StoredHistory) -> None:
    assert history.sessions(AAPL)[-1] == date(2010, 3, 31)


def test_a_session_is_released_by_its_close_and_not_before(history: StoredHistory) -> None:
    day = date(2010, 2, 3)
    close = AAPL.sessions.close_time(day)
    [before] = history.fetch(FetchRequest(until=close.replace(hour=close.hour - 1), instruments=(AAPL,)))
    [after] = history.fetch(FetchRequest(until=close, instruments=(AAPL,)))
    assert (before.rows["session"].max(), after.rows["session"].max()) == (date(2010, 2, 2), day)


def test_what_is_stored_already_is_not_given_again(history: StoredHistory) -> None:
    until = AAPL.sessions.close_time(date(2010, 2, 3))
    stored = {AAPL: history.until(date(2010, 2, 1)).filter(ticker="AAPL").tail(10)}
    [found] = history.fetch(FetchRequest(until=until, instruments=(AAPL,), stored=stored))
    assert found.rows["session"].to_list() == [date(2010, 2, 2), date(2010, 2, 3)]


def test_what_the_provider_adjusted_later_is_not_given(history: StoredHistory) -> None:
    assert history.until(date(2010, 3, 31))["adj_close"].null_count() == len(history.until(date(2010, 3, 31)))


def test_a_stranger_is_told_as_one(history: StoredHistory) -> None:
    [found] = history.fetch(
        FetchRequest(until=AAPL.sessions.close_time(date(2010, 2, 3)), instruments=(Instrument("US", "X"),))
    )
    assert found.error is not None
    assert "was not given" in found.error


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"tickers": ("NOPE",)}, "the sample has no"),
        ({"tickers": ("FB",), "first": date(2012, 6, 1), "last": date(2013, 1, 3)}, "expected 500 sessions"),
        ({"first": date(2013, 6, 3), "last": date(2013, 8, 1)}, "end on 2013-03-01"),
    ],
)
def test_too_little_history_is_refused_with_what_there_is(values: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequestError, match=told):
        open_history(Settings.model_construct(), plan(**values))


def test_a_plan_ends_where_its_prices_do() -> None:
    wanted = plan(first=date(2012, 6, 1), last=date(2013, 12, 31))
    assert clipped(wanted, open_history(Settings.model_construct(), wanted)).last == date(2013, 3, 1)
