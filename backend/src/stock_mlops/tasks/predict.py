"""The door of long predictions: Celery task ``stock.predict_future``."""

from __future__ import annotations

from functools import lru_cache

from stock_kit.settings import get_settings

from stock_mlops.services.future import FuturePredictions, open_future
from stock_mlops.services.jobs import Completion, JobRun
from stock_mlops.stores.jobs import JobKind
from stock_mlops.tasks.app import app
from stock_mlops.tasks.base import run_job


def _handle(run: JobRun) -> Completion:
    return _future().run(run)


@lru_cache(maxsize=1)
def _future() -> FuturePredictions:
    # Opened by the first task, in the process that runs it: sockets and threads do not survive a fork.
    return open_future(get_settings())


def run(job_id: str) -> str:
    return run_job(job_id, JobKind.PREDICT_FUTURE, _handle)


predict_future = app.task(name="stock.predict_future")(run)
