"""Training: a job on a celery_train worker."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Response
from pydantic import Discriminator, Tag
from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.spec import check_available, parse_spec
from stock_mlops.stores.jobs import JobKind

from api.dependencies import ModelCatalog, RequestId, Train
from api.errors import problems
from api.routes.jobs import find_job, job_fields
from api.schemas.training import ModelRequest, TrainAccepted, TrainModelRequest, TrainStatus

router = APIRouter(prefix="/api/train", tags=["training"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="the same key and request again give the same task instead of a second one",
    ),
]


def _shape(body: Any) -> str:
    """Which of the two a body means, so that its errors are told against that one alone."""
    given = "model_id" in body if isinstance(body, dict) else isinstance(body, TrainModelRequest)
    return "<model>" if given else "<definition>"


TrainBody = Annotated[
    Annotated[TrainModelRequest, Tag("<model>")] | Annotated[ModelRequest, Tag("<definition>")],
    Discriminator(_shape),
    Body(description="a model that is defined already, or a definition"),
]


@router.post("", status_code=202, responses=problems(404, 409, 503), summary="Train a model")
def train(
    body: TrainBody,
    resources: Train,
    request_id: RequestId,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> TrainAccepted:
    """Give a `model_id`, or a definition: one that exists already is trained again. The new version becomes the
    ticker's champion."""
    model_id = _model_id(resources.catalog, body)
    job = resources.jobs.submit(
        JobKind.TRAIN, {"model_id": str(model_id)}, idempotency_key=idempotency_key, request_id=request_id
    )
    status_url = f"/api/train/status/{job.id}"
    response.headers["Location"] = status_url
    return TrainAccepted(task_id=job.id, state=job.state.value, status_url=status_url, model_id=model_id)


@router.get("/status/{task_id}", responses=problems(404, 503), summary="State and progress of a training")
def train_status(task_id: UUID, resources: Train) -> TrainStatus:
    job = find_job(resources.jobs, task_id, JobKind.TRAIN)
    return TrainStatus.model_validate({**job_fields(job), "result": job.result})


def _model_id(catalog: ModelCatalog, body: TrainModelRequest | ModelRequest) -> UUID:
    if isinstance(body, ModelRequest):
        spec = parse_spec(spec_values(body))
        check_available(spec)
        return catalog.create_definition(spec).id
    definition = catalog.definition(body.model_id)
    if definition is None:
        raise NotFoundError(f"there is no model {body.model_id}; GET /api/models lists what there is")
    check_available(definition.parsed())
    return body.model_id


def spec_values(body: ModelRequest) -> dict[str, Any]:
    """The definition's plain values; what was left out takes the spec's defaults."""
    return body.model_dump(exclude_none=True)
