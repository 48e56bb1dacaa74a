"""The closed loop: a model's policy, its retrainings, and a person's decisions about them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from stock_mlops.retraining.policy import Policy
from stock_mlops.stores import retrainings as store

from api.dependencies import Actor, Train
from api.errors import problems
from api.schemas.retraining import (
    AllRetrainingsQuery,
    ModelRetrainingPolicy,
    Retraining,
    RetrainingEvidence,
    RetrainingPolicies,
    RetrainingPolicy,
    RetrainingPolicyRequest,
    RetrainingQuery,
    RetrainingRecord,
    RetrainingRequest,
    Retrainings,
    RetrainingStep,
)

router = APIRouter(tags=["retraining"])

_MODEL = "/api/models/{model_id:uuid}"


@router.get(f"{_MODEL}/retraining-policy", responses=problems(404, 503), summary="When a model is trained again")
def get_retraining_policy(model_id: UUID, resources: Train) -> RetrainingPolicy:
    """With every trigger off until somebody has set it."""
    return _policy(resources.retraining.policy(model_id))


@router.put(f"{_MODEL}/retraining-policy", responses=problems(404, 409, 503), summary="Set when it is trained again")
def set_retraining_policy(
    model_id: UUID, body: RetrainingPolicyRequest, resources: Train, actor: Actor
) -> RetrainingPolicy:
    """Replaces the whole policy; it counts while a version of this model serves."""
    policy = Policy.model_validate(body.model_dump())
    return _policy(resources.retraining.set_policy(model_id, policy, actor))


@router.get(
    f"{_MODEL}/retraining-evidence", responses=problems(404, 503), summary="What the triggers would look at now"
)
def get_retraining_evidence(model_id: UUID, resources: Train) -> RetrainingEvidence:
    """Of the version that serves, at the newest session; each number can be held against its trigger's threshold."""
    standing = resources.retraining.standing(model_id)
    return RetrainingEvidence(
        serving=standing.serving,
        counts=standing.counts,
        session=standing.session,
        watched_sessions=standing.watched,
        **asdict(standing.evidence),
    )


@router.get("/api/retraining-policies", responses=problems(503), summary="List the policies of all models")
def list_retraining_policies(resources: Train) -> RetrainingPolicies:
    """A model that nobody has given one has every trigger off, and is not listed."""
    found = resources.retraining.policies()
    return RetrainingPolicies(
        items=[ModelRetrainingPolicy(model_id=model_id, policy=_policy(policy)) for model_id, policy in found.items()]
    )


@router.get("/api/retrainings", responses=problems(503), summary="List the retrainings of all models")
def list_all_retrainings(query: Annotated[AllRetrainingsQuery, Query()], resources: Train) -> Retrainings:
    """Newest first, each with every step that it took."""
    return Retrainings(items=[_record(item) for item in resources.retraining.records(None, query.limit, query.state)])


@router.get(f"{_MODEL}/retrainings", responses=problems(404, 503), summary="List a model's retrainings")
def list_retrainings(model_id: UUID, query: Annotated[RetrainingQuery, Query()], resources: Train) -> Retrainings:
    """Newest first, each with every step that it took."""
    return Retrainings(items=[_record(item) for item in resources.retraining.records(model_id, query.limit)])


@router.post(
    f"{_MODEL}/retrainings", status_code=201, responses=problems(404, 409, 503), summary="Start a retraining by hand"
)
def start_retraining(model_id: UUID, body: RetrainingRequest, resources: Train, actor: Actor) -> Retraining:
    """It is taken on from here by the flow `retraining`, within minutes."""
    return _retraining(resources.retraining.start(model_id, actor, body.reason))


@router.post(
    "/api/retrainings/{retraining_id}/approve", responses=problems(404, 409, 503), summary="Let a proposal begin"
)
def approve_retraining(retraining_id: UUID, resources: Train, actor: Actor) -> Retraining:
    return _retraining(resources.retraining.approve(retraining_id, actor))


@router.post("/api/retrainings/{retraining_id}/cancel", responses=problems(404, 409, 503), summary="End a retraining")
def cancel_retraining(retraining_id: UUID, body: RetrainingRequest, resources: Train, actor: Actor) -> Retraining:
    """What serves goes on serving; a training at work is cancelled. Not while what serves is about to change."""
    return _retraining(resources.retraining.cancel(retraining_id, actor, body.reason))


def _policy(policy: Policy) -> RetrainingPolicy:
    return RetrainingPolicy.model_validate(policy.model_dump())


def _retraining(item: store.Retraining) -> Retraining:
    return Retraining.model_validate(_fields(item))


def _record(item: store.RetrainingRecord) -> RetrainingRecord:
    steps = [RetrainingStep.model_validate(step, from_attributes=True) for step in item.steps]
    return RetrainingRecord.model_validate({**_fields(item.retraining), "steps": steps})


def _fields(item: store.Retraining) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(item, name) for name in store.Retraining.__slots__}
    return {**values, "policy": _policy(item.policy)}
