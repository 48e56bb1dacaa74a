"""Whether the newest sessions have arrived."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from stock_kit.clock import wall_now
from stock_kit.events import Severity

from stock_mlops.services.watchers.base import Number, Observation, Subject, condition
from stock_mlops.stores.market_clock import Clocks

# A step of the replay moves its clock and loads the session within a second or two.
_REPLAY_STEP = timedelta(minutes=1)
# While it moves on, some sessions may be released between the look at what is stored and the look at its clock.
_REPLAY_SLACK = timedelta(days=7)


# What somebody handed over once; nothing more is expected.
_WITHOUT_FEED = frozenset({"file"})


class FreshnessWatch:
    """
    Args:
        late_after: a session is late that is not there so long after its close.
        now: wall time.
    """

    detector = "stale_data"

    def __init__(
        self,
        clocks: Clocks,
        late_after: timedelta,
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        self._clocks = clocks
        self._late_after = late_after
        self._now = now

    def observe(self, subject: Subject) -> Observation:
        if subject.source in _WITHOUT_FEED:
            return Observation()
        sessions = subject.instrument.sessions
        expected = sessions.last_closed(self._due(subject.timeline))
        behind = sessions.count(subject.last_session, expected)
        number = Number("freshness", "", "sessions", float(behind), 0.0)
        if not behind:
            return Observation([number])
        found = condition(
            subject,
            "stale_data",
            Severity.CRITICAL if behind > 1 else Severity.WARNING,
            f"its prices are {behind} session{'s' if behind > 1 else ''} late",
            f"The newest stored session is {subject.last_session}; {expected} closed more than"
            f" {self._patience(subject.timeline)} ago and is not there. Does its ETL run, and its source answer?",
            float(behind),
            0.0,
        )
        return Observation([number], [found])

    def _patience(self, timeline: str) -> timedelta:
        return _REPLAY_STEP if timeline == "replay" else self._late_after

    def _due(self, timeline: str) -> datetime:
        """Market time: what had closed by then should be there by now."""
        state = self._clocks.replay() if timeline == "replay" else None
        if state is None:
            return self._clocks.clock(timeline).now() - self._late_after
        resting = self._now() - state.updated_at > _REPLAY_STEP
        return state.market_now if resting else state.market_now - _REPLAY_SLACK
