"""Jobs with short leases."""

from __future__ import annotations

from datetime import timedelta

from stock_kit.service_settings import JobSettings
from stock_mlops.services.jobs import (
    Completion,
    JobRun,
)
from stock_mlops.stores.jobs import Job, Jobs

LEASE = 1.0
SETTINGS = JobSettings(
    lease=timedelta(seconds=LEASE),
    heartbeat=timedelta(seconds=0.2),
    pending_resend=timedelta(seconds=LEASE),
    max_attempts=3,
)
PAYLOAD = {"model_id": "m"}


def found(jobs: Jobs, job: Job) -> Job:
    again = jobs.get(job.id)
    assert again is not None
    return again


def done(_run: JobRun) -> Completion:
    return Completion({"answer": 42})
