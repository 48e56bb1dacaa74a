"""The closed loop over twins: what it tells of its steps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from stock_kit.events import Severity
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.retraining.cycle import State
from stock_mlops.retraining.policy import Policy, TriggerRule
from stock_mlops.services.alerting import Condition

from .loop import MODEL, Reporter, platform


def test_each_step_is_told_once_as_information() -> None:
    own = platform()
    own.walk(50)
    states = [condition.fingerprint.rsplit(":", 1)[1] for condition in own.reporter.told]
    assert states == ["triggered", "training", "shadow", "judged", "probation", "confirmed"]
    assert {condition.severity for condition in own.reporter.told} == {Severity.INFO}
    assert {(condition.exchange, condition.ticker) for condition in own.reporter.told} == {("US", "AAPL")}


def test_an_alert_goes_on_saying_what_led_to_the_state_that_it_tells() -> None:
    own = platform()
    own.walk(25)
    assert own.only.state is State.SHADOW
    assert own.reporter.newest.detail == "version 2 passed the gate"


@dataclass
class Breaking(Reporter):
    """Cannot be reached when it is first told of an end."""

    broke: bool = False

    def reconcile(self, detector: str, subjects: Collection[str], conditions: Sequence[Condition]) -> None:
        if not self.broke and any(item.fingerprint.endswith(":rejected") for item in conditions):
            self.broke = True
            raise DependencyUnavailableError("the alerts", "no answer")
        super().reconcile(detector, subjects, conditions)


def test_an_end_that_could_not_be_told_is_told_by_the_next_step() -> None:
    own = platform(reporter=Breaking(), verdict=False)
    own.walk(23)
    assert own.only.state is State.REJECTED
    assert own.reporter.newest.fingerprint.endswith(":rejected")
    assert "calibrated: expected 90 %, got 50 %" in own.reporter.newest.detail


def test_a_stored_policy_that_no_longer_makes_sense_is_told_and_holds_up_no_other() -> None:
    own = platform()
    other = UUID(int=2)
    own.table.own_policies = {other: Policy(age=TriggerRule(mode="automatic", threshold=1)), **own.table.own_policies}
    own.table.problems[other] = "search_trials: Input should be less than or equal to 100"
    own.world.today = 20
    report = own.loop.step()
    assert (report.begun, report.failed) == (1, 1)
    assert own.only.model_id == MODEL
    assert list(own.reporter.policies) == ["model 2"]
    assert own.reporter.policies["model 2"].startswith("search_trials: Input should be")
    own.table.set_policy(other, Policy(), "ann")
    assert own.loop.step().failed == 0
    assert own.reporter.policies == {}
