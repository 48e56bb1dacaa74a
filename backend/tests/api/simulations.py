"""The real :class:`SimulationDesk` over stores in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from stock_kit.links import SignedLinks
from stock_mlops.errors import InvalidRequestError, NotFoundError
from stock_mlops.services.simulation_desk import SimulationDesk
from stock_mlops.simulation.plan import Plan
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.jobs import Job, JobKind, JobState
from stock_mlops.stores.simulation_twins import MemorySimulations
from stock_mlops.stores.simulations import Decision, Simulation, SimulationPage

_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
KNOWN = frozenset({"AAPL", "MSFT", "IBM", "GOOG"})


@dataclass
class Simulated:
    """Its table, jobs, reports and worlds; ``office`` is what the routes ask."""

    table: MemorySimulations = field(default_factory=MemorySimulations)
    jobs: dict[UUID, Job] = field(default_factory=dict)
    pages: dict[tuple[UUID, str], bytes] = field(default_factory=dict)
    cleared: list[UUID] = field(default_factory=list)

    @property
    def office(self) -> Office:
        return Office(SimulationDesk(self.table, self, Pages(self.pages), fit, self.cleared.append))

    def submit(self, simulation_id: UUID) -> UUID:
        job = Job(
            id=uuid4(), kind=JobKind.SIMULATE, state=JobState.PENDING, payload={}, stage="", progress=0.0, partial=[],
            result=None, error=None, request_id=None, fence=0, attempts=0, worker=None, lease_until=None,
            created_at=_AT, started_at=None, finished_at=None,
        )  # fmt: skip
        self.jobs[job.id] = job
        return job.id

    def get(self, job_id: UUID) -> Job | None:
        return self.jobs.get(job_id)

    def cancel(self, job_id: UUID) -> bool:
        self.jobs[job_id] = replace(self.jobs[job_id], state=JobState.CANCELLED)
        return True


@dataclass
class Pages:
    kept: dict[tuple[UUID, str], bytes]

    def get(self, simulation_id: UUID, kind: str) -> bytes:
        try:
            return self.kept[simulation_id, kind]
        except KeyError:
            raise NotFoundError(f"simulation {simulation_id} has no report") from None

    def delete(self, simulation_id: UUID) -> None:
        for kind in ("html", "markdown"):
            self.kept.pop((simulation_id, kind), None)


def fit(plan: Plan) -> Plan:
    if unknown := set(plan.tickers) - KNOWN:
        raise InvalidRequestError(f"no prices of {', '.join(unknown)}", errors=[])
    return plan


@dataclass
class Office:
    desk: SimulationDesk
    links: SignedLinks = field(default_factory=lambda: SignedLinks("key", timedelta(hours=1)))

    def start(self, plan: Plan, name: str, actor: str) -> Simulation:
        return self.desk.start(plan, name, actor)

    def get(self, simulation_id: UUID) -> Simulation:
        return self.desk.get(simulation_id)

    def page(self, limit: int, cursor: Cursor | None) -> SimulationPage:
        return self.desk.page(limit, cursor)

    def decisions(self, simulation_id: UUID, limit: int, offset: int) -> tuple[int, Sequence[Decision]]:
        return self.desk.decisions(simulation_id, limit, offset)

    def cancel(self, simulation_id: UUID) -> Simulation:
        return self.desk.cancel(simulation_id)

    def resume(self, simulation_id: UUID) -> Simulation:
        return self.desk.resume(simulation_id)

    def delete(self, simulation_id: UUID) -> None:
        self.desk.delete(simulation_id)

    def report(self, simulation_id: UUID, kind: str) -> bytes:
        return self.desk.report(simulation_id, kind)
