from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prefect.client.schemas.schedules import CronSchedule
from stock_mlops.instruments import MARKETS, sessions_of
from stock_mlops.workflows.schedules import AfterClose, Every

HALF_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(("exchange", "cron"), [
    ("US", "30 16 * * 1,2,3,4,5"),
    ("TW", "0 14 * * 1,2,3,4,5"),
    ("CRYPTO", "30 0 * * *"),
])  # fmt: skip
def test_a_load_is_due_after_the_usual_close_in_the_exchanges_time(exchange: str, cron: str) -> None:
    schedule = AfterClose(exchange, HALF_HOUR).schedule()
    assert schedule.cron == cron
    assert schedule.timezone == sessions_of(exchange).timezone
    assert schedule.parameters == {"exchange": exchange}


@pytest.mark.parametrize("exchange", MARKETS)
def test_every_session_that_closes_as_usual_has_a_moment_that_is_due(exchange: str) -> None:
    sessions, due = sessions_of(exchange), AfterClose(exchange, timedelta(hours=9))
    schedule = due.schedule()
    zone = ZoneInfo(sessions.timezone)
    wanted = CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
    assert wanted.cron is not None
    minute, hour, _, _, weekdays = wanted.cron.split()
    for day in sessions.between(datetime(2026, 3, 2, tzinfo=UTC).date(), datetime(2026, 3, 13, tzinfo=UTC).date()):
        local = (sessions.close_time(day) + timedelta(hours=9)).astimezone(zone)
        if abs((local.hour * 60 + local.minute) - (int(hour) * 60 + int(minute))) > 60:
            continue  # an early close
        assert weekdays == "*" or str(local.isoweekday() % 7) in weekdays.split(",")


def test_the_last_moment_due_after_a_close_skips_weekends_and_holidays() -> None:
    due = AfterClose("US", HALF_HOUR)
    friday = datetime(2026, 7, 2, 20, 30, tzinfo=UTC)  # Thursday: the third is the holiday of Independence Day
    assert due.last(datetime(2026, 7, 5, 12, tzinfo=UTC)) == friday
    assert due.last(friday - timedelta(seconds=1)) == datetime(2026, 7, 1, 20, 30, tzinfo=UTC)


def test_intervals_are_counted_from_a_fixed_moment() -> None:
    due = Every(timedelta(hours=1), offset=timedelta(minutes=10))
    assert due.last(datetime(2026, 11, 22, 8, 9, tzinfo=UTC)) == datetime(2026, 11, 22, 7, 10, tzinfo=UTC)
    assert due.last(datetime(2026, 11, 22, 8, 10, tzinfo=UTC)) == datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
    assert due.schedule().anchor_date == datetime(2020, 1, 1, 0, 10, tzinfo=UTC)
