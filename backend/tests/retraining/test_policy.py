from __future__ import annotations

import pytest
from pydantic import ValidationError
from stock_mlops.retraining.policy import RULED, Evidence, Policy, Trigger, TriggerRule, begins_by_itself, mend, reasons


def on(trigger: Trigger, mode: str = "automatic", threshold: float = 1.0) -> Policy:
    return Policy.model_validate({trigger.value: {"mode": mode, "threshold": threshold}})


def test_a_policy_of_defaults_watches_nothing() -> None:
    assert not Policy().watches
    seen = Evidence(age=1e6, new_sessions=1e6, error=1e6, coverage=-1.0, drift=1e6)
    assert reasons(Policy(), seen) == []


@pytest.mark.parametrize("trigger", RULED)
def test_a_trigger_fires_from_its_threshold_on_and_no_other_does(trigger: Trigger) -> None:
    policy = on(trigger, threshold=0.5)
    assert policy.watches
    [reason] = reasons(policy, Evidence(**{trigger.value: 0.5}))
    assert (reason.trigger, reason.mode, reason.value, reason.threshold) == (trigger, "automatic", 0.5, 0.5)
    assert reasons(policy, Evidence(**{trigger.value: 0.499})) == []
    others = Evidence(**{other.value: 9.0 for other in RULED if other is not trigger})
    assert reasons(policy, others) == []


def test_only_a_policy_that_says_so_has_its_challenger_searched_for() -> None:
    assert Policy(search_trials=30).searched is None
    assert Policy(challenger="search", search_trials=30).searched == 30


def test_what_is_not_known_fires_nothing() -> None:
    everything = Policy.model_validate({item.value: {"mode": "automatic", "threshold": 0.001} for item in RULED})
    assert reasons(everything, Evidence()) == []


def test_coverage_that_is_too_low_counts_as_coverage_that_is_too_high() -> None:
    policy = on(Trigger.COVERAGE, threshold=0.1)
    assert [reasons(policy, Evidence(coverage=off)) != [] for off in (-0.2, -0.05, 0.05, 0.2)] == [
        True,
        False,
        False,
        True,
    ]


def test_one_automatic_trigger_begins_by_itself_and_proposals_wait() -> None:
    both = Policy(age=TriggerRule(mode="propose", threshold=10), drift=TriggerRule(mode="automatic", threshold=4))
    assert not begins_by_itself(reasons(both, Evidence(age=11, drift=0)))
    assert begins_by_itself(reasons(both, Evidence(age=11, drift=5)))


def test_a_reason_says_its_number_and_its_threshold() -> None:
    [reason] = reasons(on(Trigger.AGE, threshold=63), Evidence(age=70))
    assert str(reason) == "age 70 (threshold 63)"


@pytest.mark.parametrize(
    "wrong",
    [
        {"age": {"mode": "automatic", "threshold": 0}},
        {"age": {"mode": "sometimes", "threshold": 5}},
        {"agee": {"mode": "automatic", "threshold": 5}},
        {"shadow_sessions": -1},
        {"probation_sessions": 0},
        {"probation_error": 1.0},
        {"challenger": "winner"},
        {"search_trials": 1},
        {"search_trials": 101},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(wrong)


def test_of_a_stored_policy_what_no_longer_makes_sense_is_as_if_left_out() -> None:
    stored = {
        "age": {"mode": "automatic", "threshold": 30},
        "drift": {"mode": "sometimes", "threshold": 4},
        "shadow_sessions": 5,
        "search_trials": 5000,
        "moon": "full",
    }
    policy, problem = mend(stored)
    assert policy == Policy(age=TriggerRule(mode="automatic", threshold=30), shadow_sessions=5)
    assert all(name in problem for name in ("drift.mode: ", "search_trials: ", "moon: "))
    assert mend(Policy(shadow_sessions=5).model_dump(mode="json")) == (Policy(shadow_sessions=5), "")


def test_a_person_has_no_rule() -> None:
    with pytest.raises(ValueError, match="expected a trigger with a rule"):
        Policy().rule(Trigger.HAND)
