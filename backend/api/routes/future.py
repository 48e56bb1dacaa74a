"""Predictions of several days, made by a celery_predict worker."""

from __future__ import annotations

from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Response
from stock_mlops.instruments import Instrument
from stock_mlops.stores.jobs import JobKind

from api.dependencies import Predict, RequestId
from api.errors import problems
from api.routes.jobs import find_job, job_fields
from api.schemas.predictions import FutureAccepted, FuturePartialStatus, FutureRequest, FutureStatus

router = APIRouter(prefix="/api/predict/future", tags=["predictions"])


@router.post("/", status_code=202, responses=problems(404, 503), summary="Predict many days ahead")
async def predict_future(
    body: FutureRequest, resources: Predict, request_id: RequestId, response: Response
) -> FutureAccepted:
    """One prediction per session, 1 to `days` ahead."""
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
    )


@router.get("/status/{task_id}", responses=problems(404, 503), summary="State of a long prediction, and its result")
def future_status(task_id: UUID, resources: Predict) -> FutureStatus:
    job = find_job(resources.jobs, task_id, JobKind.PREDICT_FUTURE)
    return FutureStatus.model_validate({**job_fields(job), "result": job.result})


@router.get("/partial_status/{task_id}", responses=problems(404, 503), summary="The days predicted so far")
def future_partial_status(task_id: UUID, resources: Predict) -> FuturePartialStatus:
    job = find_job(resources.jobs, task_id, JobKind.PREDICT_FUTURE)
    predictions = job.result["predictions"] if job.result is not None else job.partial
    return FuturePartialStatus(
        task_id=job.id,
        state=job.state.value,
        progress=job.progress,
        days_done=len(predictions),
        days_total=job.payload["days"],
        predictions=predictions,
    )
