"""The doors of long predictions and of simulations: Celery tasks ``stock.predict_future`` and ``stock.simulate``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from stock_kit.settings import get_settings

from stock_mlops.services.future import FuturePredictions, open_future
from stock_mlops.services.jobs import Completion, JobRun
from stock_mlops.stores.jobs import JobKind
from stock_mlops.tasks.app import app
from stock_mlops.tasks.base import run_job

if TYPE_CHECKING:
    from stock_mlops.services.simulation_job import CarriedSimulation


def _handle(run: JobRun) -> Completion:
    return _future().run(run)


@lru_cache(maxsize=1)
def _future() -> FuturePredictions:
    # Opened by the first task, in the process that runs it: sockets and threads do not survive a fork.
    return open_future(get_settings())


def run(job_id: str) -> str:
    return run_job(job_id, JobKind.PREDICT_FUTURE, _handle)


def _handle_simulation(run: JobRun) -> Completion:
    return _simulations().run(run)


@lru_cache(maxsize=1)
def _simulations() -> CarriedSimulation:
    from stock_mlops.services.simulation_job import open_carried

    return open_carried(get_settings())


def run_simulation(job_id: str) -> str:
    return run_job(job_id, JobKind.SIMULATE, _handle_simulation)


predict_future = app.task(name="stock.predict_future")(run)
simulate = app.task(name="stock.simulate")(run_simulation)
