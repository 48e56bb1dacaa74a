"""Predictions of several days, made by a celery_predict worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Depends, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from stock_mlops.instruments import Instrument
from stock_mlops.stores.jobs import Job, JobKind

from api.dependencies import Predict, RequestId
from api.errors import problems
from api.routes.jobs import cancel_job, find_job, job_fields
from api.schemas.predictions import FutureAccepted, FuturePartialStatus, FutureProgress, FutureRequest, FutureStatus

router = APIRouter(prefix="/api/predict/future", tags=["predictions"])

LastEventId = Annotated[
    int, Header(alias="Last-Event-ID", ge=0, le=250, description="of the last event that came before a break")
]


@router.post("/", status_code=202, responses=problems(404, 413, 503), summary="Predict many days ahead")
async def predict_future(
    body: FutureRequest, resources: Predict, request_id: RequestId, response: Response
) -> FutureAccepted:
    """One prediction per session, 1 to `days` ahead. The result is kept for some days (410 afterwards)."""
    instrument = Instrument(body.exchange, body.ticker)
    await resources.predictor.check_path(instrument, body.days)
    payload = {"exchange": instrument.exchange, "ticker": instrument.ticker, "days": body.days}

    job = await anyio.to_thread.run_sync(
        lambda: resources.jobs.submit(JobKind.PREDICT_FUTURE, payload, request_id=request_id)
    )
    status_url = f"/api/predict/future/status/{job.id}"
    response.headers["Location"] = status_url
    return FutureAccepted(
        task_id=job.id,
        state=job.state.value,
        status_url=status_url,
        partial_status_url=f"/api/predict/future/partial_status/{job.id}",
        stream_url=f"/api/predict/future/stream/{job.id}",
    )


@router.get(
    "/status/{task_id}", responses=problems(404, 410, 503), summary="State of a long prediction, and its result"
)
def future_status(task_id: UUID, resources: Predict) -> FutureStatus:
    return _status(find_job(resources.jobs, task_id, JobKind.PREDICT_FUTURE))


@router.get("/partial_status/{task_id}", responses=problems(404, 410, 503), summary="The days predicted so far")
def future_partial_status(task_id: UUID, resources: Predict) -> FuturePartialStatus:
    job = find_job(resources.jobs, task_id, JobKind.PREDICT_FUTURE)
    return FuturePartialStatus.model_validate(_partial(job))


@router.delete("/{task_id}", responses=problems(404, 409, 410, 503), summary="Cancel a long prediction")
def cancel_future(task_id: UUID, resources: Predict) -> FutureStatus:
    """Days that were predicted already stay recorded; its worker stops within seconds."""
    return _status(cancel_job(resources.jobs, task_id, JobKind.PREDICT_FUTURE))


def _followed(task_id: UUID, resources: Predict) -> Job:
    """Looked up before the stream begins, while there can still be a 404."""
    return find_job(resources.jobs, task_id, JobKind.PREDICT_FUTURE)


@router.get(
    "/stream/{task_id}",
    responses=problems(404, 410, 503),
    response_class=EventSourceResponse,
    summary="Follow a long prediction (server-sent events)",
)
async def stream_future(
    job: Annotated[Job, Depends(_followed)], resources: Predict, last_event_id: LastEventId = 0
) -> AsyncIterator[ServerSentEvent]:
    """Events `progress` with the days predicted since the one before, then one event `end`, after which the server
    closes. Their id is the number of days so far: an EventSource that reconnects gets what it missed. A comment comes
    when nothing happens for 15 s."""
    sent = last_event_id
    async for state in resources.watch.follow(job):
        content = _partial(state)
        predictions = content["predictions"]
        # A worker that took over begins anew.
        sent = sent if sent <= len(predictions) else 0
        progress = FutureProgress.model_validate(
            {**content, "predictions": predictions[sent:], "stage": state.stage, "error": job_fields(state)["error"]}
        )
        sent = len(predictions)
        name = "end" if state.state.is_final else "progress"
        yield ServerSentEvent(event=name, id=str(sent), raw_data=progress.model_dump_json())


def _status(job: Job) -> FutureStatus:
    return FutureStatus.model_validate({**job_fields(job), "result": job.result})


def _partial(job: Job) -> dict[str, Any]:
    predictions = job.result["predictions"] if job.result is not None else job.partial
    return {
        "task_id": job.id,
        "state": job.state.value,
        "progress": job.progress,
        "days_done": len(predictions),
        "days_total": job.payload["days"],
        "predictions": predictions,
    }
