"""What the routes of all long jobs share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from stock_mlops.errors import NotFoundError
from stock_mlops.stores.jobs import Job, JobKind

from api.dependencies import JobDesk
from api.schemas.common import JobError


def find_job(jobs: JobDesk, task_id: UUID, kind: JobKind) -> Job:
    """Raises :class:`NotFoundError` when there is no such job, or it is of another kind."""
    job = jobs.get(task_id)
    if job is None or job.kind != kind:
        raise NotFoundError(f"there is no {kind} task {task_id}; finished ones are kept for some days only")
    return job


def job_fields(job: Job) -> dict[str, Any]:
    """The fields of :class:`api.schemas.common.JobStatus`."""
    # While a job waits to be tried again its row keeps the last error; it is not the job's outcome.
    failed = job.error if job.state.is_final else None
    return {
        "task_id": job.id,
        "kind": job.kind,
        "state": job.state,
        "stage": job.stage,
        "progress": job.progress,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "error": failed and JobError(title=failed["title"], detail=failed["detail"]),
    }
