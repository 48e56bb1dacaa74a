"""A simulation as a job: a process of its own, which the worker's thread follows. It needs half a gigabyte for an hour,
and a worker that is killed takes it along."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from stock_kit.settings import Settings

from stock_mlops.errors import DependencyUnavailableError, StockMlopsError
from stock_mlops.services.jobs import Completion, JobRun
from stock_mlops.services.simulation_world import drop_world
from stock_mlops.simulation.state import State
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.simulations import Simulation, Simulations

TRY_LATER = os.EX_TEMPFAIL
"""The process's exit code when a server did not answer."""
# Nobody waits for a simulation, and others for the processor.
_NICE = ("nice", "-n", "10")
_LOOK_SECONDS = 1.0
_END_SECONDS = 10.0


class Table(Protocol):
    """``stores.simulations.Simulations``."""

    def get(self, simulation_id: UUID) -> Simulation | None: ...


class SimulationFailedError(StockMlopsError):
    code = "simulation_failed"
    title = "The simulation failed"


class CarriedSimulation:
    """
    Args:
        command: what to start for a simulation and a job.
        clear: lets go of a cancelled simulation's databases.
        look: seconds between two looks at it.
    """

    def __init__(
        self,
        table: Table,
        command: Callable[[UUID, UUID], Sequence[str]],
        clear: Callable[[UUID], None],
        *,
        look: float = _LOOK_SECONDS,
    ) -> None:
        self._table = table
        self._command = command
        self._clear = clear
        self._look = look

    def run(self, run: JobRun) -> Completion:
        """Follow the process to its end.

        Raises:
            JobLostError: the job was cancelled or taken over; the process has ended.
            DependencyUnavailableError: a server did not answer it, or it was killed: to be run again.
            SimulationFailedError: it failed; the text is its own.
        """
        simulation_id = UUID(run.payload["simulation_id"])
        process = subprocess.Popen(self._command(simulation_id, run.job.id), stdin=subprocess.PIPE)  # noqa: S603
        try:
            while not _ended(process, self._look):
                self._tell(run, simulation_id)
        finally:
            _end(process)
            found = self._table.get(simulation_id)
            if found is not None and found.state is State.CANCELLED:
                self._clear(simulation_id)
        if process.returncode == TRY_LATER or process.returncode < 0:
            how = "a server did not answer" if process.returncode > 0 else f"it was ended by {-process.returncode}"
            raise DependencyUnavailableError("the simulation's process", how)
        if process.returncode:
            error = None if found is None else found.error
            raise SimulationFailedError("look at the worker's log" if error is None else error["detail"])
        return Completion({"simulation_id": str(simulation_id)})

    def _tell(self, run: JobRun, simulation_id: UUID) -> None:
        run.check()
        found = self._table.get(simulation_id)
        if found is not None:
            stage = found.stage if found.session is None else f"{found.stage} {found.session}"
            run.progress(found.sessions_done / max(found.sessions_total, 1), stage)


def open_carried(settings: Settings) -> CarriedSimulation:
    """The use case over the servers of ``settings``."""

    def command(simulation_id: UUID, job_id: UUID) -> list[str]:
        own = [sys.executable, "-m", "stock_mlops.cli", "simulate"]
        return [*_NICE, *own, "--resume", str(simulation_id), "--job", str(job_id)]

    def clear(simulation_id: UUID) -> None:
        drop_world(settings, simulation_id)

    return CarriedSimulation(Simulations(get_engine(settings.model_meta_db)), command, clear)


def end_with_parent() -> None:
    """End this process when whoever started it is no more, however that ended: its end of our input closes then."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(TRY_LATER)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


def _ended(process: subprocess.Popen[bytes], patience: float) -> bool:
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
