from __future__ import annotations

from stock_mlops.simulation.state import NEXT, OF_A_SESSION, Stage, State, before


def test_every_state_that_has_not_ended_can_end() -> None:
    for state in State:
        ways = NEXT[state]
        assert not ways or State.CANCELLED in ways


def test_what_has_ended_for_good_leads_nowhere() -> None:
    assert [state for state in State if not NEXT[state]] == [State.COMPLETED, State.CANCELLED]


def test_a_process_that_died_leaves_a_state_that_another_one_can_take() -> None:
    assert set(before(State.RUNNING)) == {State.PENDING, State.RUNNING, State.PAUSED, State.FAILED}


def test_only_what_runs_is_completed() -> None:
    assert before(State.COMPLETED) == [State.RUNNING]


def test_a_session_ends_with_the_loop_and_begins_with_its_prices() -> None:
    assert (OF_A_SESSION[0], OF_A_SESSION[-1]) == (Stage.LOAD, Stage.RETRAIN)
