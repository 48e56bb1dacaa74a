"""Training: a job on a celery_train worker."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Query, Response
from pydantic import Discriminator, Tag
from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.spec import check_available, parse_spec
from stock_mlops.stores.catalog import ModelDefinition
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.jobs import Job, JobKind, JobState

from api.dependencies import ModelCatalog, RequestId, Train
from api.errors import problems
from api.routes.jobs import cancel_job, find_job, job_fields
from api.schemas.definitions import ModelRequest
from api.schemas.training import (
    TrainAccepted,
    TrainModelRequest,
    TrainPage,
    TrainQuery,
    TrainStatus,
    TrainTask,
)

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
    """Give a `model_id`, or a definition: one that exists already is trained again. The new version serves once it has
    passed the gate. While the same definition is being trained on the same data, that task is answered."""
    definition = _definition(resources.catalog, body)
    spec = definition.parsed()
    check_available(spec)
    job = resources.jobs.submit(
        JobKind.TRAIN,
        {"model_id": str(definition.id)},
        subject=f"{definition.id} {resources.datasets.data_version(spec.instruments)}",
        idempotency_key=idempotency_key,
        request_id=request_id,
    )
    status_url = f"/api/train/status/{job.id}"
    response.headers["Location"] = status_url
    return TrainAccepted(task_id=job.id, state=job.state.value, status_url=status_url, model_id=definition.id)


@router.get("", responses=problems(503), summary="List the trainings")
def list_trainings(query: Annotated[TrainQuery, Query()], resources: Train) -> TrainPage:
    """Newest first, those included whose results are no longer kept."""
    page = resources.jobs.page(
        JobKind.TRAIN,
        states=[JobState(state) for state in query.state],
        limit=query.limit,
        cursor=None if query.cursor is None else Cursor.decode(query.cursor),
    )
    return TrainPage(
        items=[TrainTask.model_validate(_task_fields(job)) for job in page.items],
        next_cursor=page.next_cursor and page.next_cursor.encode(),
    )


@router.get("/status/{task_id}", responses=problems(404, 410, 503), summary="State, progress and result of a training")
def train_status(task_id: UUID, resources: Train) -> TrainStatus:
    """With the metrics of each test window as soon as it was forecast."""
    return _status(find_job(resources.jobs, task_id, JobKind.TRAIN))


@router.delete("/{task_id}", responses=problems(404, 409, 410, 503), summary="Cancel a training")
def cancel_training(task_id: UUID, resources: Train) -> TrainStatus:
    """Nothing of it is registered. A worker that is at it stops at its next report, within seconds."""
    return _status(cancel_job(resources.jobs, task_id, JobKind.TRAIN))


def _status(job: Job) -> TrainStatus:
    return TrainStatus.model_validate({**_task_fields(job), "folds": job.partial, "result": job.result})


def _task_fields(job: Job) -> dict[str, Any]:
    return {**job_fields(job), "model_id": job.payload["model_id"]}


def _definition(catalog: ModelCatalog, body: TrainModelRequest | ModelRequest) -> ModelDefinition:
    if isinstance(body, ModelRequest):
        spec = parse_spec(spec_values(body))
        check_available(spec)
        return catalog.create_definition(spec)
    definition = catalog.definition(body.model_id)
    if definition is None:
        raise NotFoundError(f"there is no model {body.model_id}; GET /api/models lists what there is")
    return definition


def spec_values(body: ModelRequest) -> dict[str, Any]:
    """The definition's plain values; what was left out takes the spec's defaults."""
    return body.model_dump(exclude_none=True)
