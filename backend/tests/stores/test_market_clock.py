from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from stock_kit.clock import wall_now
from stock_mlops.stores.market_clock import MemoryClocks, ReplayNotStartedError

START, LATER = date(2012, 6, 29), date(2012, 7, 2)
CLOSE = datetime(2012, 6, 29, 20, 1, tzinfo=UTC)
END = date(2013, 3, 1)


def test_live_time_is_the_machines() -> None:
    before = wall_now()
    assert before <= MemoryClocks().clock("live").now() <= wall_now()


def test_replay_time_is_unknown_before_the_sample_is_loaded() -> None:
    clocks = MemoryClocks()
    assert clocks.replay() is None
    with pytest.raises(ReplayNotStartedError, match="load the sample first"):
        clocks.clock("replay").now()


def test_loading_the_sample_again_leaves_the_replay_where_it_stands() -> None:
    clocks = MemoryClocks()
    state = clocks.start_replay(START, CLOSE, END)
    clocks.advance(state, LATER, datetime(2012, 7, 2, 20, 1, tzinfo=UTC))
    again = clocks.start_replay(START, CLOSE, date(2013, 3, 4))
    assert (again.session, again.ends_at) == (LATER, date(2013, 3, 4))
    assert clocks.clock("replay").now() == datetime(2012, 7, 2, 20, 1, tzinfo=UTC)


def test_an_unknown_timeline_is_refused() -> None:
    with pytest.raises(ValueError, match="expected live or replay, got 'past'"):
        MemoryClocks().clock("past")
