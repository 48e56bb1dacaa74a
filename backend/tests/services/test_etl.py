from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from stock_kit.service_settings import ReplaySettings
from stock_mlops.errors import InvalidRequestError
from stock_mlops.instruments import Instrument
from stock_mlops.prices.sources.sample import SampleSource
from stock_mlops.services.etl import EtlRequest
from stock_mlops.services.replay import begin_replay
from stock_mlops.stores.market_clock import MemoryClocks


def test_symbols_without_a_market_belong_to_the_exchange_asked_for() -> None:
    request = EtlRequest("yfinance", ["2330", "US:IBM", "2330"], exchange="TW")
    assert request.instruments() == (Instrument("TW", "2330"), Instrument("US", "IBM"))


def test_a_symbol_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequestError, match="got 'A B'"):
        EtlRequest("file", ["A B"]).instruments()


@pytest.mark.parametrize(
    ("wanted", "begins"),
    [
        (date(2012, 6, 29), date(2012, 6, 29)),
        (date(2012, 7, 1), date(2012, 6, 29)),  # a Sunday: the Friday before
        (date(1990, 1, 1), date(2000, 3, 1)),
        (date(2020, 1, 1), date(2013, 3, 1)),
    ],
)
def test_the_replay_begins_at_the_session_asked_for_within_the_sample(wanted: date, begins: date) -> None:
    clocks = MemoryClocks()
    begin_replay(clocks, ReplaySettings(start=wanted), SampleSource())
    state = clocks.replay()
    assert state is not None
    assert (state.session, state.ends_at) == (begins, date(2013, 3, 1))


def test_market_time_stands_shortly_after_the_close_it_begins_with() -> None:
    clocks = MemoryClocks()
    begin_replay(clocks, ReplaySettings(start=date(2012, 6, 29)), SampleSource())
    assert clocks.clock("replay").now() == datetime(2012, 6, 29, 20, 1, tzinfo=UTC)
