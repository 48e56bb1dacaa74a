"""The market clocks: ``live`` is the machine's, ``replay`` a row in model_meta_db that one process moves and all read.

See ``docs/decisions/0001-two-timelines.md``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal, Protocol

from sqlalchemy import Engine, Row, text
from stock_kit.clock import Clock, SystemClock, wall_now

from stock_mlops.errors import ConflictError

Timeline = Literal["live", "replay"]

# A reader may see the clock of a moment ago: half a demo session at the quickest, and one query a second at most.
_CACHE_SECONDS = 1.0

_READ = text("SELECT session, market_now, ends_at, updated_at FROM market_clock WHERE timeline = 'replay'")
_START = text("""
    INSERT INTO market_clock (timeline, session, market_now, ends_at)
    VALUES ('replay', :session, :market_now, :ends_at)
    ON CONFLICT (timeline) DO UPDATE SET ends_at = greatest(market_clock.ends_at, excluded.ends_at)
    RETURNING session, market_now, ends_at, updated_at
""")
# Compare and set: of two replicas that saw the same session, one moves the clock.
_ADVANCE = text("""
    UPDATE market_clock SET session = :session, market_now = :market_now, updated_at = now()
    WHERE timeline = 'replay' AND session = :seen
    RETURNING session, market_now, ends_at, updated_at
""")


class ReplayNotStartedError(ConflictError):
    """Somebody asked for the replay's time before the sample was loaded."""

    def __init__(self) -> None:
        super().__init__("the replay has no market time yet: load the sample first (stock-mlops etl --source sample)")


@dataclass(frozen=True, slots=True)
class ReplayState:
    """Where the replay stands."""

    session: date
    """Newest session released."""
    market_now: datetime
    """Market time, UTC: shortly after that session's close."""
    ends_at: date
    """Last session of the sample."""
    updated_at: datetime
    """Wall time of the last step."""

    @property
    def ended(self) -> bool:
        return self.session >= self.ends_at


class Clocks(Protocol):
    """The market clocks as services see them; :class:`MemoryClocks` is the twin for tests."""

    def clock(self, timeline: str) -> Clock:
        """Market time of a timeline. The replay's raises :class:`ReplayNotStartedError` until it was started."""
        ...

    def replay(self) -> ReplayState | None:
        """Where the replay stands now, or None before the sample was first loaded."""
        ...

    def start_replay(self, session: date, market_now: datetime, ends_at: date) -> ReplayState:
        """Begin the replay at ``session``; one that runs already keeps its place and learns a later end."""
        ...

    def advance(self, seen: ReplayState, session: date, market_now: datetime) -> ReplayState | None:
        """Move from ``seen`` to ``session``; None when somebody else has moved the clock since ``seen`` was read."""
        ...


class MarketClocks:
    """The clocks in model_meta_db."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cached: ReplayState | None = None
        self._cached_at = 0.0
        self._lock = threading.Lock()

    def clock(self, timeline: str) -> Clock:
        return clock_of(timeline, self._recent)

    def replay(self) -> ReplayState | None:
        with self._engine.connect() as connection:
            row = connection.execute(_READ).one_or_none()
        return None if row is None else self._keep(row)

    def start_replay(self, session: date, market_now: datetime, ends_at: date) -> ReplayState:
        with self._engine.begin() as connection:
            row = connection.execute(_START, {"session": session, "market_now": market_now, "ends_at": ends_at}).one()
        return self._keep(row)

    def advance(self, seen: ReplayState, session: date, market_now: datetime) -> ReplayState | None:
        with self._engine.begin() as connection:
            values = {"session": session, "market_now": market_now, "seen": seen.session}
            row = connection.execute(_ADVANCE, values).one_or_none()
        return None if row is None else self._keep(row)

    def _recent(self) -> ReplayState | None:
        """As :meth:`replay`, up to a second old."""
        with self._lock:
            if self._cached is not None and time.monotonic() - self._cached_at < _CACHE_SECONDS:
                return self._cached
        return self.replay()

    def _keep(self, row: Row[tuple[date, datetime, date, datetime]]) -> ReplayState:
        market_now = row.market_now.astimezone(UTC)  # psycopg2 gives the server's time zone
        state = ReplayState(session=row.session, market_now=market_now, ends_at=row.ends_at, updated_at=row.updated_at)
        with self._lock:
            self._cached, self._cached_at = state, time.monotonic()
        return state


class MemoryClocks:
    """The same clocks without a database."""

    def __init__(self, live: Clock | None = None) -> None:
        self._live = live or SystemClock()
        self._state: ReplayState | None = None

    def clock(self, timeline: str) -> Clock:
        return self._live if timeline == "live" else clock_of(timeline, self.replay)

    def replay(self) -> ReplayState | None:
        return self._state

    def start_replay(self, session: date, market_now: datetime, ends_at: date) -> ReplayState:
        if self._state is None:
            self._state = ReplayState(session, market_now, ends_at, wall_now())
        else:
            self._state = replace(self._state, ends_at=max(self._state.ends_at, ends_at))
        return self._state

    def advance(self, seen: ReplayState, session: date, market_now: datetime) -> ReplayState | None:
        if self._state is None or self._state.session != seen.session:
            return None
        self._state = replace(self._state, session=session, market_now=market_now, updated_at=wall_now())
        return self._state


class _ReplayClock:
    def __init__(self, read: Callable[[], ReplayState | None]) -> None:
        self._read = read

    def now(self) -> datetime:
        state = self._read()
        if state is None:
            raise ReplayNotStartedError
        return state.market_now


def clock_of(timeline: str, read_replay: Callable[[], ReplayState | None]) -> Clock:
    """The clock of a timeline, given how to read the replay's state.

    Raises:
        ValueError: there is no such timeline.
    """
    if timeline == "live":
        return SystemClock()
    if timeline == "replay":
        return _ReplayClock(read_replay)
    raise ValueError(f"timeline: expected live or replay, got {timeline!r}")
