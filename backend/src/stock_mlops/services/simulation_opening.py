"""How simulations are opened over the servers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from stock_kit.settings import Settings

from stock_mlops.services.jobs import submit_job
from stock_mlops.services.simulation_desk import SimulationDesk
from stock_mlops.services.simulation_source import clipped, open_history
from stock_mlops.services.simulation_world import drop_world
from stock_mlops.simulation.plan import Plan
from stock_mlops.stores.jobs import Job, JobKind, Jobs
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.queue import JobQueue
from stock_mlops.stores.simulation_reports import SimulationReports
from stock_mlops.stores.simulations import Simulations


@dataclass(frozen=True, slots=True)
class CarriedSimulations:
    """Simulations as jobs; ``services.simulation_desk.SimulationJobs``."""

    jobs: Jobs
    queue: JobQueue

    def submit(self, simulation_id: UUID) -> UUID:
        return submit_job(self.jobs, self.queue, JobKind.SIMULATE, {"simulation_id": str(simulation_id)}).id

    def get(self, job_id: UUID) -> Job | None:
        return self.jobs.get(job_id)

    def cancel(self, job_id: UUID) -> bool:
        return self.jobs.cancel(job_id)


def make_simulation_desk(settings: Settings, queue: JobQueue) -> SimulationDesk:
    """The use case over the servers of ``settings``. Connects to nothing yet."""
    meta = get_engine(settings.model_meta_db)
    return SimulationDesk(
        Simulations(meta),
        CarriedSimulations(Jobs(meta, settings.jobs), queue),
        SimulationReports(settings.s3),
        partial(_fit, settings),
        partial(drop_world, settings),
    )


def _fit(settings: Settings, plan: Plan) -> Plan:
    return clipped(plan, open_history(settings, plan))
