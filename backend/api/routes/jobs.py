"""What the routes of all long jobs share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from stock_mlops.errors import ConflictError, GoneError, NotFoundError
from stock_mlops.stores.jobs import Job, JobKind

from api.dependencies import JobDesk
from api.schemas.common import JobError


def find_job(jobs: JobDesk, task_id: UUID, kind: JobKind) -> Job:
    """
    Raises:
        NotFoundError: there is no such job, or it is of another kind.
        GoneError: it ended so long ago that its result is not kept any more.
    """
    job = jobs.get(task_id)
    if job is None or job.kind != kind:
        raise NotFoundError(f"there is no {kind} task {task_id}; expected the task_id that its start was answered with")
    if job.expired_at is not None:
        raise GoneError(
            f"{kind} task {task_id} ended {job.state} at {job.finished_at:%Y-%m-%d %H:%M} UTC, and its result was kept"
            f" until {job.expired_at:%Y-%m-%d %H:%M} UTC; start it again"
        )
    return job


def cancel_job(jobs: JobDesk, task_id: UUID, kind: JobKind) -> Job:
    """Cancel an open job; nothing that its worker still computes is kept, and it stops within seconds.

    Raises:
        NotFoundError, GoneError: see :func:`find_job`.
        ConflictError: it has ended already.
    """
    job = find_job(jobs, task_id, kind)
    if not jobs.cancel(task_id):
        job = find_job(jobs, task_id, kind)
        raise ConflictError(f"expected an open task, got {kind} task {task_id}, which is {job.state} already")
    return find_job(jobs, task_id, kind)


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
        "error": failed and JobError(**failed),
    }
