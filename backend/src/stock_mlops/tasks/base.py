"""What every task does around its work: claim the job, keep its lease, commit once, count the outcome."""

from __future__ import annotations

import os
import socket
from time import monotonic
from uuid import UUID

from stock_kit.settings import get_settings

from stock_mlops.services.jobs import Handler, JobRunner
from stock_mlops.services.worker_metrics import JOB_SECONDS
from stock_mlops.stores.jobs import JobKind
from stock_mlops.stores.postgres import get_engine

# Names this worker in the jobs table. Taken before the pool forks, so that its processes share it and the parent can
# give back what they were running when it is stopped.
WORKER = f"{socket.gethostname()}:{os.getpid()}"


def run_job(job_id: str, kind: JobKind, handler: Handler) -> str:
    """The body of a Celery task: run the job; returns how it ended, for Flower (the jobs table is the truth)."""
    settings = get_settings()
    started = monotonic()
    outcome = JobRunner(get_engine(settings.model_meta_db), settings.jobs, WORKER).run(UUID(job_id), handler)
    JOB_SECONDS.labels(kind=str(kind), outcome=str(outcome)).observe(monotonic() - started)
    return str(outcome)
