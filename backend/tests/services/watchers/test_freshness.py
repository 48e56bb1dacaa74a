from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from stock_kit.clock import FixedClock
from stock_kit.events import Severity
from stock_mlops.instruments import Instrument
from stock_mlops.services.watchers.base import Number, Observation, Subject
from stock_mlops.services.watchers.freshness import FreshnessWatch
from stock_mlops.stores.market_clock import MemoryClocks

SIX_HOURS = timedelta(hours=6)
# The exchange closes at 20:00 UTC in summer.
FRIDAY, MONDAY = date(2026, 6, 26), date(2026, 6, 29)
CLOSE = datetime(2026, 6, 29, 20, tzinfo=UTC)


def subject(last: date, timeline: str = "live") -> Subject:
    return Subject(Instrument("US", "IBM"), last, timeline)


@pytest.mark.parametrize(("now", "last", "behind"), [
    (CLOSE + timedelta(hours=5), FRIDAY, 0),
    (CLOSE + timedelta(hours=7), FRIDAY, 1),
    (CLOSE + timedelta(hours=7), MONDAY, 0),
    (CLOSE + timedelta(hours=31), FRIDAY, 2),
    (datetime(2026, 6, 28, 12, tzinfo=UTC), FRIDAY, 0),  # a weekend is no delay
])  # fmt: skip
def test_a_session_is_late_hours_after_its_close(now: datetime, last: date, behind: int) -> None:
    watch = FreshnessWatch(MemoryClocks(FixedClock(now)), SIX_HOURS)
    seen = watch.observe(subject(last))
    assert list(seen.numbers) == [Number("freshness", "", "sessions", float(behind), 0.0)]
    assert [found.severity for found in seen.conditions] == {0: [], 1: [Severity.WARNING], 2: [Severity.CRITICAL]}[
        behind
    ]


def test_a_file_that_was_loaded_once_is_never_late() -> None:
    watch = FreshnessWatch(MemoryClocks(FixedClock(CLOSE)), SIX_HOURS)
    handed_over = Subject(Instrument("US", "IBM"), date(2011, 1, 3), "live", "file")
    assert watch.observe(handed_over) == Observation()


def test_the_replay_is_late_when_its_clock_stands_past_what_is_stored() -> None:
    clocks = MemoryClocks()
    state = clocks.start_replay(MONDAY, CLOSE, date(2026, 12, 31))
    for waited, behind in ((timedelta(seconds=2), 0), (timedelta(minutes=2), 1)):
        watch = FreshnessWatch(clocks, SIX_HOURS, lambda waited=waited: state.updated_at + waited)
        assert len(watch.observe(subject(FRIDAY, "replay")).conditions) == behind
        assert not watch.observe(subject(MONDAY, "replay")).conditions


def test_a_replay_that_moves_on_while_it_is_looked_at_is_not_late_and_a_ticker_left_behind_is() -> None:
    clocks = MemoryClocks()
    state = clocks.start_replay(MONDAY, CLOSE, date(2026, 12, 31))
    watch = FreshnessWatch(clocks, SIX_HOURS, lambda: state.updated_at + timedelta(seconds=2))
    assert not watch.observe(subject(date(2026, 6, 24), "replay")).conditions
    assert watch.observe(subject(date(2026, 6, 12), "replay")).conditions
