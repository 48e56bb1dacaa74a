"""Retrainings: policies, where each stands, its trail."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import Field
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.retraining.policy import Challenger, Mode, Policy, Trigger

from api.schemas.common import BodyModel, Limit, RequestModel, ResponseModel
from api.schemas.models import GateCheck, Reason


class RetrainingPolicyRequest(BodyModel, Policy):
    """What is left out is off, or as the default says."""


class RetrainingRule(ResponseModel):
    mode: Mode = Field(description="what the trigger does when it fires: nothing, ask a person, begin")
    threshold: float = Field(description="from which number on it fires")


class RetrainingPolicy(ResponseModel):
    """When a model is trained again, and how its challengers are tried."""

    age: RetrainingRule = Field(description="sessions since the training data end, by the calendar")
    new_sessions: RetrainingRule = Field(description="sessions stored since the training data end")
    error: RetrainingRule = Field(description="RMSE of settled forecasts, one session ahead, over the validated one")
    coverage: RetrainingRule = Field(description="distance of the intervals' realised coverage from the stated one")
    drift: RetrainingRule = Field(description="of the newest sessions, how many looked unlike the training rows")
    challenger: Challenger = Field(
        description="what is trained: the same definition, or the winner of a small search for its parameters"
    )
    search_trials: int = Field(
        description="combinations of parameters that such a search tries, the definition's own first"
    )
    shadow_sessions: int = Field(description="settled sessions beside the champion before the gate")
    probation_sessions: int = Field(description="settled sessions of serving before the version is confirmed")
    probation_error: float = Field(description="RMSE over the validated one above which it is rolled back")
    cooldown_sessions: int = Field(description="sessions after a retraining began before triggers count again")


class ModelRetrainingPolicy(ResponseModel):
    model_id: UUID
    policy: RetrainingPolicy


class RetrainingPolicies(ResponseModel):
    items: list[ModelRetrainingPolicy] = Field(description="of the models that were given one")


class RetrainingEvidence(ResponseModel):
    """What the triggers would look at now; null: not known."""

    serving: int | None = Field(description="the version that serves under the model's name; null: none does")
    counts: bool = Field(description="whether that is a version of this very model: only then its policy counts")
    session: date | None = Field(description="the newest one that has closed and is stored")
    age: float | None = Field(description="sessions since the training data end, by the calendar")
    new_sessions: float | None = Field(description="sessions stored since the training data end")
    error: float | None = Field(description="RMSE of settled forecasts, one session ahead, over the validated one")
    coverage: float | None = Field(description="realised coverage of the intervals minus the stated one")
    drift: float | None = Field(description="of the newest sessions, how many looked unlike the training rows")
    watched_sessions: int | None = Field(
        description="sessions that the open retraining's shadow or probation has lasted; null: neither is under way"
    )


class RetrainingReason(ResponseModel):
    trigger: Trigger
    mode: Mode
    value: float | None = Field(description="null: started by hand")
    threshold: float | None


class RetrainingStep(ResponseModel):
    revision: int
    at: datetime
    session: date = Field(description="the newest session then")
    event: Event
    from_state: State | None
    to_state: State
    actor: str
    detail: str
    checks: list[GateCheck] = Field(description="what it was decided by")


class Retraining(ResponseModel):
    id: UUID
    model_id: UUID
    registered_name: str
    state: State
    reasons: list[RetrainingReason]
    policy: RetrainingPolicy = Field(description="as it was when the retraining began")
    champion: int = Field(description="the version that served when it began")
    challenger: int | None
    job_id: UUID | None = Field(description="of the training")
    session: date = Field(description="the newest one when it began")
    since: date | None = Field(description="the session at which the shadow, later the probation, began")
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class RetrainingRecord(Retraining):
    steps: list[RetrainingStep] = Field(description="the oldest first")


class Retrainings(ResponseModel):
    items: list[RetrainingRecord] = Field(description="newest first")


class RetrainingQuery(RequestModel):
    limit: Limit = 20


class AllRetrainingsQuery(RetrainingQuery):
    state: list[State] = Field(default=[], max_length=len(State), description="only these states; none: all")


class RetrainingRequest(BodyModel):
    reason: Reason = ""
