"""The closed loop over twins: what an outage, a loss and a crash at any point leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from stock_mlops.errors import ConflictError
from stock_mlops.retraining.cycle import Event, State, after
from stock_mlops.retraining.policy import TriggerRule
from stock_mlops.stores.jobs import JobState

from .loop import AGED, GOOD, RMSE, Crash, Platform, platform


def test_a_training_that_failed_or_is_not_known_any_more_fails_the_retraining() -> None:
    own = platform()
    own.walk(20)
    own.loop.step()
    [job] = own.world.jobs.values()
    own.world.jobs[job.id] = replace(job, state=JobState.FAILED, error={"detail": "no rows"})
    own.loop.step()
    assert (own.only.state, own.table.steps[own.only.id][-1].detail) == (State.FAILED, "no rows")
    lost = platform()
    lost.walk(20)
    lost.loop.step()
    lost.world.jobs.clear()
    lost.loop.step()
    assert lost.only.state is State.FAILED


def test_a_server_that_is_down_holds_a_retraining_up_and_ends_nothing() -> None:
    own = platform()
    own.walk(25)
    state = own.only.state
    own.world.up = False
    assert own.loop.step().failed == 1
    assert own.only.state is state
    own.world.up = True
    own.walk(60)
    assert own.events() == GOOD


def test_a_deleted_model_fails_its_retraining() -> None:
    own = platform()
    own.walk(25)
    own.world.deleted = True
    own.loop.step()
    assert own.only.state is State.FAILED


@settings(max_examples=40, deadline=None)
@given(
    crash_at=st.integers(0, 80),
    verdict=st.booleans(),
    gate=st.booleans(),
    challenger=st.sampled_from([RMSE, 3 * RMSE]),
    served=st.sampled_from([RMSE, 3 * RMSE]),
)
def test_a_process_that_dies_anywhere_changes_no_decision(
    crash_at: int, verdict: bool, gate: bool, challenger: float, served: float
) -> None:
    conditions: dict[str, Any] = {
        "verdict": verdict,
        "gate": gate,
        "challenger_error": challenger,
        "served_error": served,
    }
    calm, rough = platform(**conditions), platform(**conditions)
    calm.walk(50)
    rough.walk(50, crash_at=crash_at)
    assert rough.world.audit == calm.world.audit
    assert rough.world.champion == calm.world.champion
    assert len(rough.world.jobs) == len(calm.world.jobs)
    trails = [
        [[(step.event, step.session) for step in own.table.steps[key]] for key in own.table.rows]
        for own in (calm, rough)
    ]
    assert trails[0] == trails[1]


@settings(max_examples=25, deadline=None)
@given(
    crashes=st.lists(st.integers(0, 25), max_size=8),
    cancels=st.sets(st.integers(0, 70), max_size=4),
    served=st.sampled_from([RMSE, 3 * RMSE]),
    modes=st.sampled_from(["automatic", "propose"]),
)
def test_whatever_happens_every_transition_is_in_the_trail_and_one_retraining_is_open(
    crashes: list[int], cancels: set[int], served: float, modes: Any
) -> None:
    own = platform(AGED.model_copy(update={"age": TriggerRule(mode=modes, threshold=20)}), served_error=served)
    pending = list(crashes)
    while own.world.today < 70:
        if own.world.crash_at is None and pending:
            own.world.crash_at = pending.pop()
        try:
            own.loop.step()
            if own.world.today in cancels:
                decide(own)
        except Crash:
            continue
        own.world.work()
        own.world.today += 1
        assert len(own.table.open()) <= 1
        assert own.world.champion in own.world.versions
    for retraining in own.table.rows.values():
        steps = own.table.steps[retraining.id]
        assert [step.revision for step in steps] == list(range(retraining.revision + 1))
        state = steps[0].to_state
        for step in steps[1:]:
            assert step.from_state is state
            state = after(state, step.event)
            assert step.to_state is state
        assert state is retraining.state
    # Every change of the champion is a retraining's, and each of them is told of in a trail.
    told = [step for steps in own.table.steps.values() for step in steps]
    assert len([item for item in own.world.audit if item[0] == "promote"]) == sum(
        step.event is Event.PROMOTED for step in told
    ) + sum(row.state is State.JUDGED for row in own.table.rows.values() if own.world.champion == row.challenger)


def decide(own: Platform) -> None:
    for retraining in own.table.open():
        try:
            if retraining.state is State.PROPOSED and retraining.session.day % 2:
                own.desk.approve(retraining.id, "ann")
            else:
                own.desk.cancel(retraining.id, "ann", "")
        except ConflictError:
            assert retraining.state in (State.JUDGED, State.REVERTING)
