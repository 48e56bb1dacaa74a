"""The door of training: Celery task ``stock.train``."""

from __future__ import annotations

from stock_kit.settings import get_settings

from stock_mlops.services.jobs import Completion, JobRun
from stock_mlops.stores.jobs import JobKind
from stock_mlops.tasks.app import app
from stock_mlops.tasks.base import run_job


def _handle(run: JobRun) -> Completion:
    # Imported here: pandas-sized libraries belong in the process that trains, not in the worker's parent.
    from stock_mlops.services.training import open_training

    return open_training(get_settings()).train_job(run)


def run(job_id: str) -> str:
    return run_job(job_id, JobKind.TRAIN, _handle)


train = app.task(name="stock.train")(run)
