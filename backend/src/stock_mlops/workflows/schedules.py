"""When the server starts a flow by itself, and when it last should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from prefect.schedules import Cron, Interval, Schedule

from stock_mlops.instruments import sessions_of

_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_DAY_MINUTES = 24 * 60


class Due(Protocol):
    """A rhythm that a flow is started in."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What its runs are started with."""
        ...

    def schedule(self) -> Schedule:
        """As Prefect's server keeps it."""
        ...

    def last(self, now: datetime) -> datetime:
        """The newest moment, not later than ``now`` (aware), at which a run was due."""
        ...


@dataclass(frozen=True)
class Every:
    """At equal intervals, counted from a fixed moment: a restart of the service does not put a run off."""

    interval: timedelta
    offset: timedelta = timedelta(0)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def schedule(self) -> Schedule:
        return Interval(self.interval, anchor_date=_EPOCH + self.offset, parameters=dict(self.parameters))

    def last(self, now: datetime) -> datetime:
        anchor = _EPOCH + self.offset
        return anchor + (now - anchor) // self.interval * self.interval


@dataclass(frozen=True)
class AfterClose:
    """``delay`` after the close of each session of an exchange.

    The server knows weekdays only, so it starts a run on holidays too, which finds nothing to do, and after an early
    close at the usual time.
    """

    exchange: str
    delay: timedelta

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {"exchange": self.exchange}

    def schedule(self) -> Schedule:
        sessions = sessions_of(self.exchange)
        minutes = int((sessions.usual_close + self.delay).total_seconds()) // 60
        later, minute_of_day = divmod(minutes, _DAY_MINUTES)
        weekdays = "*" if sessions.every_day else ",".join(str((day + later) % 7) for day in range(1, 6))
        hour, minute = divmod(minute_of_day, 60)
        return Cron(
            f"{minute} {hour} * * {weekdays}",
            timezone=sessions.timezone,
            parameters=dict(self.parameters),
            slug=f"{self.exchange.lower()}-{int(self.delay.total_seconds()) // 60}-minutes-after-close",
        )

    def last(self, now: datetime) -> datetime:
        sessions = sessions_of(self.exchange)
        return sessions.close_time(sessions.last_closed(now - self.delay)) + self.delay
