"""The closed loop over twins: what it decides, from one session to the next."""

from __future__ import annotations

from stock_kit.events import Severity
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.retraining.policy import Policy

from .loop import AGED, DAYS, GOOD, RMSE, platform


def test_an_old_champion_is_replaced_and_its_successor_confirmed() -> None:
    own = platform()
    own.walk(50)
    assert own.events() == GOOD
    assert own.only.state is State.CONFIRMED
    assert (own.only.champion, own.only.challenger, own.world.champion) == (1, 2, 2)
    assert [step.session for step in own.table.steps[own.only.id]] == [
        DAYS[20], DAYS[20], DAYS[21], DAYS[31], DAYS[31], DAYS[43],
    ]  # fmt: skip


def test_a_young_champion_is_left_alone() -> None:
    own = platform()
    own.walk(20)
    assert own.table.rows == {}


def test_the_trail_of_a_searched_challenger_says_how_many_were_tried_and_what_won() -> None:
    searching = AGED.model_copy(update={"challenger": "search", "search_trials": 7})
    for passes, ended in ((True, Event.TRAINED), (False, Event.REFUSED)):
        own = platform(searching, verdict=passes)
        own.walk(22)
        submitted, last = own.table.steps[own.only.id][1:]
        assert (submitted.event, last.event) == (Event.SUBMITTED, ended)
        assert submitted.detail.endswith(", a search of 7 trials")
        assert last.detail.endswith("; the best of 7 tried: alpha = 12.5")


def test_a_challenger_of_the_same_definition_is_not_searched_for() -> None:
    own = platform()
    own.walk(22)
    assert [job.payload for job in own.world.jobs.values()] == [{"search_trials": None}]
    assert not any("tried" in step.detail or "search" in step.detail for step in own.table.steps[own.only.id])


def test_a_challenger_that_the_gate_refuses_after_its_training_never_serves() -> None:
    own = platform(verdict=False)
    own.walk(29)
    assert own.events() == [Event.BEGAN, Event.SUBMITTED, Event.REFUSED]
    assert own.world.champion == 1
    last = own.table.steps[own.only.id][-1]
    assert "calibrated: expected 90 %, got 50 %" in last.detail
    assert last.checks[0]["name"] == "calibrated"


def test_a_challenger_that_does_worse_in_the_shadow_is_rejected() -> None:
    own = platform(challenger_error=3 * RMSE)
    own.walk(40)
    first = next(iter(own.table.rows.values()))
    assert own.events(first) == [Event.BEGAN, Event.SUBMITTED, Event.TRAINED, Event.REFUSED]
    assert "shadow_not_worse" in own.table.steps[first.id][-1].detail
    assert own.world.audit == []


def test_a_challenger_that_the_gate_refuses_after_the_shadow_is_rejected() -> None:
    own = platform(gate=False)
    own.walk(33)
    assert own.events() == [Event.BEGAN, Event.SUBMITTED, Event.TRAINED, Event.PASSED, Event.REFUSED]
    assert "not_worse_than_champion" in own.table.steps[own.only.id][-1].detail


def test_a_champion_that_breaks_in_its_probation_is_rolled_back_with_a_warning() -> None:
    own = platform(served_error=3 * RMSE)
    own.walk(44)
    assert own.events() == [*GOOD[:-1], Event.BROKE, Event.ROLLED_BACK]
    assert own.world.champion == 1
    assert own.world.audit == [("promote", 1, 2), ("rollback", 2, 1)]
    assert "probation_error" in own.table.steps[own.only.id][-2].detail
    assert [item.severity for item in own.reporter.told][-2:] == [Severity.WARNING, Severity.WARNING]


def test_a_probation_without_outcomes_confirms_nobody() -> None:
    own = platform()
    own.walk(32)
    assert own.only.state is State.PROBATION
    own.world.forecasts = False
    own.walk(50)
    assert (own.only.state, own.world.champion) == (State.FAILED, 2)
    assert "fewer than 8 of 12 sessions have an outcome" in own.table.steps[own.only.id][-1].detail


def test_a_probation_too_short_to_tell_says_so() -> None:
    own = platform(AGED.model_copy(update={"probation_sessions": 5}), served_error=3 * RMSE)
    own.walk(50)
    assert own.only.state is State.CONFIRMED
    assert own.table.steps[own.only.id][-1].detail == "unjudged: 5 sessions are fewer than the 8 that tell"


def test_a_challenger_is_not_tried_on_a_session_that_it_has_learned_from() -> None:
    own = platform(newer=2)
    own.walk(23)
    # Of a panel, the member whose prices are late says where the market stands.
    assert own.world.versions[2].trained_until == DAYS[22]
    assert own.only.since == DAYS[22]


def test_decisions_do_not_depend_on_how_often_one_looks() -> None:
    for served, ending in ((RMSE, Event.SURVIVED), (3 * RMSE, Event.ROLLED_BACK)):
        seldom = platform(served_error=served)
        for today in (20, 21, 32, 58):
            seldom.world.today = today
            seldom.loop.step()
            seldom.world.work()
        assert seldom.events()[-1] is ending
        shadow = next(step for step in seldom.table.steps[seldom.only.id] if step.event is Event.PASSED)
        assert "after 10 sessions" in shadow.detail


def test_after_a_rejection_triggers_rest() -> None:
    own = platform(replace_cooldown(AGED, 15), verdict=False)
    own.walk(60)
    begun = sorted(row.session for row in own.table.rows.values())
    assert begun == [DAYS[20], DAYS[35], DAYS[50]]


def replace_cooldown(policy: Policy, sessions: int) -> Policy:
    return policy.model_copy(update={"cooldown_sessions": sessions})
