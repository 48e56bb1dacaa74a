"""Where a simulation stands: as a whole, and within the session at work."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    PENDING = "pending"
    """A worker is to take it."""
    RUNNING = "running"
    """At work; or its process died, and the next one goes on where it stood."""
    PAUSED = "paused"
    """Somebody interrupted it, and may resume it."""
    COMPLETED = "completed"
    FAILED = "failed"
    """Of an error; may be resumed."""
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Somebody is at work on it, or is going to be."""
        return self in (State.PENDING, State.RUNNING)


NEXT: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset({State.PENDING, State.RUNNING, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.RUNNING, State.PAUSED, State.COMPLETED, State.FAILED, State.CANCELLED}),
    State.PAUSED: frozenset({State.PENDING, State.RUNNING, State.CANCELLED}),
    State.FAILED: frozenset({State.PENDING, State.RUNNING, State.CANCELLED}),
    State.COMPLETED: frozenset(),
    State.CANCELLED: frozenset(),
}


def before(state: State) -> list[State]:
    """The states that lead to ``state``."""
    return [item for item, following in NEXT.items() if state in following]


class Stage(StrEnum):
    """What is to be done next. Each is committed before the next is begun, and can be done twice with the effect of
    once."""

    PREPARE = "preparing"
    """Prices until the day before the first are loaded, and each ticker's first model is trained."""
    LOAD = "loading"
    """The session's prices; what they complete is settled, and intervals learn from it."""
    FORECAST = "forecasting"
    WATCH = "watching"
    """Data and models are monitored."""
    RETRAIN = "retraining"
    """The closed loop does what is due; a training that it asks for is waited for."""
    VERIFY = "verifying"
    """Sampled days are computed again from data cut there."""
    REPORT = "reporting"
    DONE = "done"


OF_A_SESSION = (Stage.LOAD, Stage.FORECAST, Stage.WATCH, Stage.RETRAIN)
