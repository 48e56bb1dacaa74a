"""A simulation's process, followed by a worker's thread."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.services.jobs import JobLostError, JobRun
from stock_mlops.services.simulation_job import TRY_LATER, CarriedSimulation, SimulationFailedError
from stock_mlops.simulation.plan import Plan
from stock_mlops.simulation.state import Stage, State
from stock_mlops.stores.jobs import Job, JobKind, JobState
from stock_mlops.stores.simulation_twins import MemorySimulations
from stock_mlops.stores.simulations import Position

PLAN = Plan(first=date(2010, 1, 4), last=date(2010, 1, 7), tickers=("AAPL",))


@dataclass
class World:
    table: MemorySimulations = field(default_factory=MemorySimulations)
    simulation_id: UUID = field(init=False)
    cleared: list[UUID] = field(default_factory=list)
    told: list[tuple[float, str | None]] = field(default_factory=list)
    lost: bool = False

    def __post_init__(self) -> None:
        self.simulation_id = self.table.create(PLAN, "", "ann", State.RUNNING).id

    def heartbeat(self, _id: UUID, _fence: int, **values: Any) -> bool:
        self.told.append((values["progress"], values["stage"]))
        return not self.lost

    def run(self, program: str) -> Any:
        def command(_simulation: UUID, _job: UUID) -> Sequence[str]:
            return [sys.executable, "-c", program]

        job = Job(
            id=uuid4(), kind=JobKind.SIMULATE, state=JobState.RUNNING,
            payload={"simulation_id": str(self.simulation_id)}, stage="", progress=0.0, partial=[], result=None,
            error=None, request_id=None, fence=1, attempts=1, worker="w", lease_until=None,
            created_at=datetime(2026, 1, 1, tzinfo=UTC), started_at=None, finished_at=None,
        )  # fmt: skip
        carried = CarriedSimulation(self.table, command, self.cleared.append, look=0.05)
        return carried.run(JobRun(self, job))  # type: ignore[arg-type]


@pytest.fixture
def world() -> World:
    return World()


def test_its_end_is_the_jobs(world: World) -> None:
    assert world.run("pass").result == {"simulation_id": str(world.simulation_id)}


def test_its_progress_is_the_jobs(world: World) -> None:
    world.table.advance(world.simulation_id, Position(Stage.WATCH, date(2010, 1, 5), 1))
    world.run("import time; time.sleep(0.3)")
    assert set(world.told) == {(0.25, "watching 2010-01-05")}


@pytest.mark.parametrize("program", [f"raise SystemExit({TRY_LATER})", "import os; os.kill(os.getpid(), 9)"])
def test_a_server_that_did_not_answer_or_an_accident_is_to_be_tried_again(world: World, program: str) -> None:
    with pytest.raises(DependencyUnavailableError):
        world.run(program)


def test_its_error_is_the_jobs(world: World) -> None:
    row = world.table.rows[world.simulation_id]
    world.table.rows[row.id] = replace(row, error={"title": "t", "detail": "no such price", "code": "c"})
    with pytest.raises(SimulationFailedError, match="no such price"):
        world.run("raise SystemExit(1)")


def test_a_cancelled_job_ends_the_process_and_what_it_left(world: World) -> None:
    world.lost = True
    world.table.move(world.simulation_id, State.CANCELLED)
    with pytest.raises(JobLostError):
        world.run("import sys; sys.stdin.read()")
    assert world.cleared == [world.simulation_id]


def test_a_process_hears_when_its_worker_is_no_more(world: World) -> None:
    world.lost = True
    with pytest.raises(JobLostError):
        world.run("import stock_mlops.services.simulation_job as job, time; job.end_with_parent(); time.sleep(60)")
    assert world.cleared == []
