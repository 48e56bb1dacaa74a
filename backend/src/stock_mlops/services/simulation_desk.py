"""What people do about simulations: start, follow, cancel, resume, forget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError

from stock_mlops.errors import ConflictError, InvalidRequestError, NotFoundError, named_field
from stock_mlops.forecasting.spec import check_available, parse_spec
from stock_mlops.simulation.plan import Plan
from stock_mlops.simulation.state import State
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.jobs import Job, JobKind
from stock_mlops.stores.simulations import Decision, Simulation, SimulationPage


class SimulationTable(Protocol):
    """``stores.simulations.Simulations``, or its twin in a test."""

    def create(self, plan: Plan, name: str, actor: str, state: State) -> Simulation: ...

    def get(self, simulation_id: UUID) -> Simulation | None: ...

    def page(self, limit: int, cursor: Cursor | None = None) -> SimulationPage: ...

    def move(
        self, simulation_id: UUID, state: State, *, error: dict[str, str] | None = None, job_id: UUID | None = None
    ) -> Simulation | None: ...

    def decisions(
        self, simulation_id: UUID, limit: int | None = None, offset: int = 0
    ) -> tuple[int, Sequence[Decision]]: ...

    def delete(self, simulation_id: UUID) -> bool: ...


class SimulationJobs(Protocol):
    """Jobs that carry simulations to a worker."""

    def submit(self, simulation_id: UUID) -> UUID: ...

    def get(self, job_id: UUID) -> Job | None: ...

    def cancel(self, job_id: UUID) -> bool: ...


class SimulationPages(Protocol):
    """``stores.simulation_reports.SimulationReports``, or a dictionary in a test."""

    def get(self, simulation_id: UUID, kind: str) -> bytes: ...

    def delete(self, simulation_id: UUID) -> None: ...


class SimulationDesk:
    """
    Args:
        fit: the plan as its history carries it; raises ``InvalidRequestError`` when it does not.
        clear: lets go of what a simulation keeps on the servers.

    Raises:
        NotFoundError: any method, when the simulation does not exist.
    """

    def __init__(
        self,
        table: SimulationTable,
        jobs: SimulationJobs,
        pages: SimulationPages,
        fit: Callable[[Plan], Plan],
        clear: Callable[[UUID], None],
    ) -> None:
        self._table = table
        self._jobs = jobs
        self._pages = pages
        self._fit = fit
        self._clear = clear

    def start(self, plan: Plan, name: str, actor: str) -> Simulation:
        """
        Raises:
            InvalidRequestError: it cannot be simulated so; the text says why.
            SimulationOpenError: another one is at work.
        """
        made = self._table.create(self._checked(plan), name, actor, State.PENDING)
        return self._send(made)

    def begin(self, plan: Plan, name: str, actor: str) -> Simulation:
        """As :meth:`start`, for a process that does the work itself."""
        return self._table.create(self._checked(plan), name, actor, State.RUNNING)

    def get(self, simulation_id: UUID) -> Simulation:
        found = self._table.get(simulation_id)
        if found is None:
            raise NotFoundError(f"there is no simulation {simulation_id}; GET /api/simulations lists what there is")
        return self._heard(found)

    def page(self, limit: int, cursor: Cursor | None) -> SimulationPage:
        found = self._table.page(limit, cursor)
        return SimulationPage([self._heard(item) for item in found.items], found.next_cursor)

    def decisions(self, simulation_id: UUID, limit: int, offset: int) -> tuple[int, Sequence[Decision]]:
        self.get(simulation_id)
        return self._table.decisions(simulation_id, limit, offset)

    def cancel(self, simulation_id: UUID) -> Simulation:
        """End it for good; whoever is at work on it stops after the present step.

        Raises:
            ConflictError: it has ended.
        """
        seen = self.get(simulation_id)
        ended = self._table.move(simulation_id, State.CANCELLED)
        if ended is None:
            raise ConflictError(f"simulation {simulation_id} is {seen.state} already")
        if ended.job_id is not None:
            self._jobs.cancel(ended.job_id)
        return ended

    def resume(self, simulation_id: UUID) -> Simulation:
        """Let a worker go on where it stood.

        Raises:
            ConflictError: it was neither interrupted nor failed.
            SimulationOpenError: another one is at work.
        """
        seen = self.get(simulation_id)
        pending = self._table.move(simulation_id, State.PENDING)
        if pending is None:
            raise ConflictError(f"simulation {simulation_id} is {seen.state}: only a paused or failed one is resumed")
        return self._send(pending)

    def delete(self, simulation_id: UUID) -> None:
        """Forget it with its report and all that it left on the servers.

        Raises:
            ConflictError: it is at work.
        """
        seen = self.get(simulation_id)
        if seen.state.is_open:
            raise ConflictError(f"simulation {simulation_id} is {seen.state}; cancel it first")
        self._clear(simulation_id)
        self._pages.delete(simulation_id)
        self._table.delete(simulation_id)

    def report(self, simulation_id: UUID, kind: str) -> bytes:
        """
        Args:
            kind: html or markdown.

        Raises:
            NotFoundError: it has none (yet).
        """
        self.get(simulation_id)
        return self._pages.get(simulation_id, kind)

    def _checked(self, plan: Plan) -> Plan:
        check_available(parse_spec(plan.definition(plan.instruments[0])).with_search(plan.policy.searched))
        return self._fit(plan)

    def _send(self, simulation: Simulation) -> Simulation:
        job_id = self._jobs.submit(simulation.id)
        return self._table.move(simulation.id, State.PENDING, job_id=job_id) or simulation

    def _heard(self, simulation: Simulation) -> Simulation:
        """A job that was given up (its workers died too often) cannot say so in the simulation's row."""
        if not simulation.state.is_open or simulation.job_id is None:
            return simulation
        job = self._jobs.get(simulation.job_id)
        if job is None or job.kind is not JobKind.SIMULATE or not job.state.is_final:
            return simulation
        lost = {"title": "The worker was lost", "detail": f"task {job.id} is {job.state}", "code": "worker_lost"}
        told = {name: str((job.error or lost).get(name, "")) for name in lost}
        return self._table.move(simulation.id, State.FAILED, error=told) or self._table.get(simulation.id) or simulation


def parse_plan(values: dict[str, Any]) -> Plan:
    """A plan from plain values.

    Raises:
        InvalidRequestError: names what was expected and what came.
    """
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        told = [
            named_field(".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, "))
            for item in error.errors(include_url=False)
        ]
        raise InvalidRequestError(
            "; ".join(f"{where}: {what}" if where else what for where, what in told),
            errors=[{"field": f"body.{where}" if where else "body", "message": what} for where, what in told],
        ) from error
