"""The only module that reads the time of day (a lint holds this).

Two times exist. *Wall time* stamps what happens to the machines: leases, log lines, ``made_at``. *Market time* is what
the exchanges' clocks show: it decides which session is the last one, and it can stand in the past when history is
replayed. Code that needs market time takes a :class:`Clock`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


def wall_now() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def wall_seconds() -> float:
    """The machine's time in seconds since the epoch, for metrics."""
    return wall_now().timestamp()


class Clock(Protocol):
    """Market time."""

    def now(self) -> datetime:
        """Aware, in UTC."""
        ...


class SystemClock:
    """Market time is wall time."""

    def now(self) -> datetime:
        return wall_now()


class FixedClock:
    """Market time stands where it was put; tests and replays move it."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"a clock needs an aware time, got {at!r}")
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, step: timedelta) -> None:
        self._at += step
