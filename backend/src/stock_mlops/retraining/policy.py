"""When a model is trained again: a policy of triggers, and what is known of the model that serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Mode = Literal["off", "propose", "automatic"]
"""What a trigger does when it fires: nothing; ask a person; begin."""
Challenger = Literal["same", "search"]
"""What is trained: the same definition; the winner of a search for the definition's parameters."""


class Trigger(StrEnum):
    AGE = "age"
    """Sessions since the champion's training data end, by the calendar."""
    NEW_SESSIONS = "new_sessions"
    """Sessions stored since then: what a new training would learn from."""
    ERROR = "error"
    """RMSE of the settled forecasts, one session ahead, over what validation found."""
    COVERAGE = "coverage"
    """How far the share of closes inside their intervals is from the stated one."""
    DRIFT = "drift"
    """Of the newest sessions, how many did not look like the training rows; see ``monitoring.drift``."""
    HAND = "hand"
    """Somebody started it."""


class TriggerRule(BaseModel):
    """What one trigger does, and from which number on (inclusive)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "off"
    threshold: float = Field(gt=0, le=100_000, strict=True, allow_inf_nan=False)


class Policy(BaseModel):
    """Of one model. What is left out is off, or as here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    age: TriggerRule = Field(
        TriggerRule(threshold=63), description="sessions since the training data end, by the calendar"
    )
    new_sessions: TriggerRule = Field(
        TriggerRule(threshold=21), description="sessions stored since the training data end"
    )
    error: TriggerRule = Field(
        TriggerRule(threshold=1.5), description="RMSE of settled forecasts, one session ahead, over the validated one"
    )
    coverage: TriggerRule = Field(
        TriggerRule(threshold=0.15), description="distance of the intervals' realised coverage from the stated one"
    )
    drift: TriggerRule = Field(
        TriggerRule(threshold=4), description="of the newest sessions, how many looked unlike the training rows"
    )
    challenger: Challenger = Field(
        "same", description="what is trained: the same definition, or the winner of a small search for its parameters"
    )
    search_trials: int = Field(
        10, ge=2, le=100, description="combinations of parameters that such a search tries, the definition's own first"
    )
    shadow_sessions: int = Field(20, ge=0, le=250, description="settled sessions beside the champion before the gate")
    probation_sessions: int = Field(
        20, ge=1, le=250, description="settled sessions of serving before the version is confirmed"
    )
    probation_error: float = Field(
        2.0, gt=1, le=100, description="RMSE over the validated one above which it is rolled back"
    )
    cooldown_sessions: int = Field(
        10, ge=0, le=1000, description="sessions after a retraining began before triggers count again"
    )

    def rule(self, trigger: Trigger) -> TriggerRule:
        """
        Raises:
            ValueError: the trigger has no rule: it is a person's.
        """
        if trigger is Trigger.HAND:
            raise ValueError("expected a trigger with a rule, got hand")
        rule: TriggerRule = getattr(self, trigger.value)
        return rule

    @property
    def searched(self) -> int | None:
        """Combinations of parameters of which the challenger is to be the best; None: the definition says."""
        return self.search_trials if self.challenger == "search" else None

    @property
    def watches(self) -> bool:
        """Whether any trigger is on."""
        return any(self.rule(trigger).mode != "off" for trigger in RULED)


def mend(values: Mapping[str, Any]) -> tuple[Policy, str]:
    """A stored policy, which an earlier release may have written, as far as it still makes sense: what no longer does
    is as if it had been left out, a trigger off. Returns also what that was; empty: nothing."""
    try:
        return Policy.model_validate(values), ""
    except ValidationError as error:
        wrong = {str(item["loc"][0]): f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()}
    kept = {name: value for name, value in values.items() if name not in wrong}
    return Policy.model_validate(kept), "; ".join(wrong.values())


RULED = tuple(trigger for trigger in Trigger if trigger is not Trigger.HAND)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a model that serves; None: nothing, which fires no trigger."""

    age: float | None = None
    new_sessions: float | None = None
    error: float | None = None
    """RMSE over the validated one."""
    coverage: float | None = None
    """Realised minus stated."""
    drift: float | None = None
    """Sessions."""

    def of(self, trigger: Trigger) -> float | None:
        """The number that the trigger's threshold bounds."""
        value: float | None = getattr(self, trigger.value)
        return abs(value) if value is not None and trigger is Trigger.COVERAGE else value


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a retraining begins."""

    trigger: Trigger
    mode: Mode
    value: float | None = None
    threshold: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        if self.value is None:
            return str(self.trigger)
        return f"{self.trigger} {self.value:.4g} (threshold {self.threshold:g})"


def reasons(policy: Policy, evidence: Evidence) -> list[Reason]:
    """The triggers that are on and fire."""
    found = []
    for trigger in RULED:
        rule, value = policy.rule(trigger), evidence.of(trigger)
        if rule.mode != "off" and value is not None and value >= rule.threshold:
            found.append(Reason(trigger, rule.mode, value, rule.threshold))
    return found


def begins_by_itself(found: Sequence[Reason]) -> bool:
    """One automatic trigger suffices; those that only propose leave it to a person."""
    return any(reason.mode == "automatic" for reason in found)
