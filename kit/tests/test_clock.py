from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from stock_kit.clock import FixedClock, SystemClock, wall_now, wall_seconds


def test_wall_time_is_aware_and_the_same_in_both_forms() -> None:
    before = wall_now()
    assert before.utcoffset() == timedelta(0)
    assert before.timestamp() <= wall_seconds() <= wall_now().timestamp()


def test_the_system_clock_shows_wall_time() -> None:
    before = wall_now()
    assert before <= SystemClock().now() <= wall_now()


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(datetime(2012, 6, 29, 20, tzinfo=UTC))
    assert clock.now() == clock.now()
    clock.advance(timedelta(days=3))
    assert clock.now() == datetime(2012, 7, 2, 20, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="a clock needs an aware time"):
        FixedClock(datetime(2012, 6, 29))  # noqa: DTZ001  that is the point
