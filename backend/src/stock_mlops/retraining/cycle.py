"""What a retraining goes through: its states, and which event leads from which to which.

A state says what is to be done next, and is committed before that is begun. So whoever finds a retraining after a crash
does what its state says; each of these acts can be done twice with the effect of once.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    PROPOSED = "proposed"
    """A person decides whether it begins."""
    TRIGGERED = "triggered"
    """A challenger is to be trained."""
    TRAINING = "training"
    """Its job is at work."""
    SHADOW = "shadow"
    """The challenger forecasts beside the champion; nobody is served by it."""
    JUDGED = "judged"
    """It did as well as the champion; it is to be promoted, if the gate lets it through."""
    PROBATION = "probation"
    """It serves, and is watched."""
    REVERTING = "reverting"
    """It broke; the version before it is to serve again."""
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self]


class Event(StrEnum):
    BEGAN = "began"
    """The first line of each retraining; leads from nowhere."""
    APPROVED = "approved"
    SUBMITTED = "submitted"
    TRAINED = "trained"
    PASSED = "passed"
    REFUSED = "refused"
    PROMOTED = "promoted"
    SURVIVED = "survived"
    BROKE = "broke"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """By a person."""
    SUPERSEDED = "superseded"
    """Somebody else changed which version serves: what was found out is about another champion."""


_ENDS = {Event.FAILED: State.FAILED, Event.CANCELLED: State.CANCELLED, Event.SUPERSEDED: State.CANCELLED}

TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    State.PROPOSED: {Event.APPROVED: State.TRIGGERED, **_ENDS},
    State.TRIGGERED: {Event.SUBMITTED: State.TRAINING, **_ENDS},
    State.TRAINING: {Event.TRAINED: State.SHADOW, Event.REFUSED: State.REJECTED, **_ENDS},
    State.SHADOW: {Event.PASSED: State.JUDGED, Event.REFUSED: State.REJECTED, **_ENDS},
    # The promotion may have happened already: a person cannot cancel here, and rolls back afterwards.
    State.JUDGED: {
        Event.PROMOTED: State.PROBATION,
        Event.REFUSED: State.REJECTED,
        Event.FAILED: State.FAILED,
        Event.SUPERSEDED: State.CANCELLED,
    },
    # Cancelled: it goes on serving, unwatched.
    State.PROBATION: {Event.SURVIVED: State.CONFIRMED, Event.BROKE: State.REVERTING, **_ENDS},
    State.REVERTING: {Event.ROLLED_BACK: State.ROLLED_BACK, Event.FAILED: State.FAILED},
    State.CONFIRMED: {},
    State.REJECTED: {},
    State.ROLLED_BACK: {},
    State.FAILED: {},
    State.CANCELLED: {},
}
OPEN = tuple(state for state in State if TRANSITIONS[state])
CHAMPION_STILL_SERVES = frozenset({State.PROPOSED, State.TRIGGERED, State.TRAINING, State.SHADOW})
"""While one of these lasts, the champion that the retraining began with has to serve, or its end has come."""


class TransitionError(ValueError):
    """The event cannot happen in this state."""


def after(state: State, event: Event) -> State:
    """The state that an event leads to.

    Raises:
        TransitionError: it leads nowhere from ``state``.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        known = ", ".join(TRANSITIONS[state]) or "none: it has ended"
        raise TransitionError(f"a retraining that is {state} knows no event {event}; expected one of {known}") from None
