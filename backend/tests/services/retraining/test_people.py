"""The closed loop over twins: what people propose, start, stop and change meanwhile."""

from __future__ import annotations

from uuid import uuid4

import pytest
from stock_mlops.errors import ConflictError, NotFoundError
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.retraining.policy import Evidence, TriggerRule
from stock_mlops.stores.jobs import JobState
from stock_mlops.stores.retrainings import RetrainingOpenError

from .loop import AGED, DAYS, GOOD, MODEL, platform


def test_a_proposal_waits_for_a_person_and_begins_when_approved() -> None:
    proposing = AGED.model_copy(update={"age": TriggerRule(mode="propose", threshold=20)})
    own = platform(proposing)
    own.walk(25)
    assert own.only.state is State.PROPOSED
    own.desk.approve(own.only.id, "ann")
    own.walk(60)
    assert own.events() == [Event.BEGAN, Event.APPROVED, *GOOD[1:]]
    assert own.table.steps[own.only.id][1].actor == "ann"


def test_an_unanswered_proposal_does_not_hold_up_a_trigger_that_begins_by_itself() -> None:
    both = AGED.model_copy(
        update={"age": TriggerRule(mode="propose", threshold=20), "error": TriggerRule(mode="automatic", threshold=1.5)}
    )
    own = platform(both)
    own.walk(25)
    assert own.only.state is State.PROPOSED
    own.world.measured = Evidence(error=2.0)
    own.walk(60)
    assert own.events() == [Event.BEGAN, Event.APPROVED, *GOOD[1:]]
    approved = own.table.steps[own.only.id][1]
    assert (approved.actor, approved.detail) == ("retraining", "age 25 (threshold 20); error 2 (threshold 1.5)")


def test_a_retraining_is_started_by_hand_once() -> None:
    own = platform(policy=None)
    own.desk.start(MODEL, "ann", "just so")
    with pytest.raises(RetrainingOpenError):
        own.desk.start(MODEL, "bob", "")
    own.walk(60)
    assert own.only.state is State.CONFIRMED
    assert own.only.reasons[0]["trigger"] == "hand"


def test_a_cancelled_retraining_ends_with_its_training() -> None:
    own = platform(policy=None)
    own.desk.start(MODEL, "ann", "")
    own.loop.step()
    own.desk.cancel(own.only.id, "ann", "not now")
    assert own.only.state is State.CANCELLED
    assert {job.state for job in own.world.jobs.values()} == {JobState.CANCELLED}
    with pytest.raises(ConflictError, match="it has ended"):
        own.desk.cancel(own.only.id, "ann", "")
    with pytest.raises(NotFoundError):
        own.desk.cancel(uuid4(), "ann", "")


def test_a_training_whose_retraining_has_ended_is_stopped() -> None:
    superseded, deleted = platform(), platform()
    for own in (superseded, deleted):
        own.walk(20)
        own.loop.step()
        assert own.only.state is State.TRAINING
    superseded.world.versions[9] = superseded.world._version(9, DAYS[20])
    superseded.world.champion = 9
    deleted.world.deleted = True
    for own, ending in ((superseded, State.CANCELLED), (deleted, State.FAILED)):
        own.loop.step()
        assert own.only.state is ending
        assert [job.state for job in own.world.jobs.values()] == [JobState.CANCELLED]


def test_a_champion_that_somebody_else_changed_ends_the_retraining() -> None:
    for today in (21, 25, 35):
        own = platform()
        own.walk(today)
        own.world.versions[9] = own.world._version(9, DAYS[today])
        own.world.champion = 9
        own.loop.step()
        first = next(iter(own.table.rows.values()))
        assert own.events(first)[-1] is Event.SUPERSEDED
        assert own.world.champion == 9
