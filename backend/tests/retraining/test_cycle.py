"""The table of a retraining's states, as a graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_mlops.retraining.cycle import CHAMPION_STILL_SERVES, OPEN, TRANSITIONS, Event, State, TransitionError, after

FINAL = [state for state in State if state.is_final]


def reachable(start: State) -> set[State]:
    seen, waiting = set(), [start]
    while waiting:
        state = waiting.pop()
        if state not in seen:
            seen.add(state)
            waiting += TRANSITIONS[state].values()
    return seen


def test_every_state_is_in_the_table_and_every_state_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    assert reachable(State.PROPOSED) == set(State)


@pytest.mark.parametrize("state", OPEN)
def test_no_state_is_without_a_way_to_an_end(state: State) -> None:
    assert reachable(state) & set(FINAL)


@pytest.mark.parametrize("state", FINAL)
def test_nothing_happens_after_the_end(state: State) -> None:
    for event in Event:
        with pytest.raises(TransitionError, match="none: it has ended"):
            after(state, event)


def test_no_walk_goes_in_circles() -> None:
    for state in State:
        assert state not in set().union(*(reachable(to) for to in TRANSITIONS[state].values()))


def test_a_person_cannot_cancel_while_the_champion_changes() -> None:
    cancellable = {state for state in State if Event.CANCELLED in TRANSITIONS[state]}
    assert cancellable == {*CHAMPION_STILL_SERVES, State.PROBATION}


@given(st.lists(st.sampled_from([event for event in Event if event is not Event.BEGAN]), max_size=12))
def test_a_version_is_promoted_only_after_training_and_shadow_and_taken_back_only_after_it_served(
    events: list[Event],
) -> None:
    state, taken = State.PROPOSED, []
    for event in events:
        try:
            state = after(state, event)
        except TransitionError:
            continue
        taken.append(event)
    if Event.PROMOTED in taken:
        assert taken[: taken.index(Event.PROMOTED)] == [Event.APPROVED, Event.SUBMITTED, Event.TRAINED, Event.PASSED]
    if Event.ROLLED_BACK in taken:
        assert taken[-3:] == [Event.PROMOTED, Event.BROKE, Event.ROLLED_BACK]
    assert (state is State.CONFIRMED) == (Event.SURVIVED in taken)
