"""The life of one worker process: operations endpoints up, Celery runs, unfinished jobs given back."""

from __future__ import annotations

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from stock_kit.health import Readiness
from stock_kit.logging import get_logger
from stock_kit.metrics import OperationsServer
from stock_kit.settings import Settings, get_settings

from stock_mlops.stores.jobs import Jobs
from stock_mlops.stores.postgres import get_engine
from stock_mlops.tasks.app import app
from stock_mlops.tasks.base import WORKER

log = get_logger(__name__)

# A process that grew beyond this (KiB) is replaced after its task, so that a leak or one huge frame does not stay.
# MLflow and scikit-learn alone take some 350 MB, and importing them for every job would cost each ten seconds.
_MEMORY_PER_CHILD = 700_000


def _readiness(settings: Settings) -> Readiness:
    broker = redis.Redis.from_url(settings.redis.url(settings.redis.broker_db), socket_connect_timeout=2)

    def database() -> None:
        with get_engine(settings.model_meta_db).connect() as connection:
            connection.execute(text("SELECT 1"))

    return Readiness({"redis": broker.ping, "model_meta_db": database})


def serve(queue: str) -> int:
    """Run the worker of one queue until it is told to stop; returns the exit code."""
    settings = get_settings()
    celery = settings.celery
    train = queue == "train"
    app.conf.task_default_queue = queue
    app.conf.worker_max_memory_per_child = _MEMORY_PER_CHILD
    app.conf.include = [f"stock_mlops.tasks.{queue}"]
    port = celery.train_metrics_port if train else celery.predict_metrics_port
    concurrency = celery.train_concurrency if train else celery.predict_concurrency
    readiness = _readiness(settings)
    readiness.report()  # imports what its checks need before Celery forks: a check that hangs is not waited for
    operations = OperationsServer(celery.host, port, readiness).start()
    try:
        app.worker_main(
            [
                "worker",
                f"--queues={queue}",
                f"--hostname={queue}@%h",
                f"--pool={'prefork' if train else 'threads'}",
                f"--concurrency={concurrency}",
                "--without-gossip",
                "--without-mingle",
            ]
        )
    except SystemExit as stopped:
        # Celery calls a stop by signal a failure; for whoever supervises this process it is the normal end.
        log.info("worker_stopped", code=stopped.code)
    finally:
        _give_back(settings)
        operations.close()
    return 0


def _give_back(settings: Settings) -> None:
    try:
        released = Jobs(get_engine(settings.model_meta_db), settings.jobs).release(WORKER)
    except SQLAlchemyError as error:
        log.warning("jobs_not_released", error=str(error))  # their leases run out instead
        return
    for job in released:
        log.info("job_released", job_id=str(job.id), kind=job.kind)
