"""One process at work on a simulation: alone, over the simulation's own databases, to its end or its interruption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from time import monotonic, sleep
from uuid import UUID

from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import ConflictError, DependencyUnavailableError, NotFoundError, StockMlopsError
from stock_mlops.services.jobs import is_transient
from stock_mlops.services.simulated_alerts import SimulatedReporter
from stock_mlops.services.simulation import OnProgress, SimulationStoppedError, Simulator
from stock_mlops.services.simulation_days import Days, open_days
from stock_mlops.services.simulation_end import Ending
from stock_mlops.services.simulation_source import open_history
from stock_mlops.services.simulation_world import drop_world, make_world
from stock_mlops.simulation.state import State
from stock_mlops.stores.postgres import advisory_lock, get_engine
from stock_mlops.stores.simulation_reports import SimulationReports
from stock_mlops.stores.simulations import Decision, Simulation, Simulations

log = get_logger(__name__)

# A process that was killed leaves its connection to be noticed by the server; one that is told to stop ends its act.
_LOCK_PATIENCE = 45.0
_LOCK_LOOKS = 0.5


class _Acts:
    """``services.simulation.Acts``: days and ending."""

    def __init__(self, days: Days, ending: Ending) -> None:
        self._days = days
        self.verify = ending.verify
        self.report = ending.report

    def prepare(self) -> Sequence[Decision]:
        return self._days.prepare()

    def load(self, session: date) -> int:
        return self._days.load(session)

    def forecast(self, session: date) -> int:
        return self._days.forecast(session)

    def watch(self, session: date) -> int:
        return self._days.watch(session)

    def retrain(self, session: date) -> Sequence[Decision]:
        return self._days.retrain(session)


def run_simulation(
    settings: Settings, simulation_id: UUID, *, job_id: UUID | None = None, on_progress: OnProgress = lambda _: None
) -> Simulation:
    """Take a simulation from where it stands to its end, and let go of its databases.

    Raises:
        SimulationStoppedError: it was cancelled.
        ConflictError: it has ended.
        DependencyUnavailableError: another process is at work on it.
        NotFoundError: there is no such simulation.
        KeyboardInterrupt: as it came; the simulation is paused.
        what its acts raise: after a server that does not answer it is paused, else failed.
    """
    table = Simulations(get_engine(settings.model_meta_db))
    with _alone(settings, simulation_id):
        simulation = table.move(simulation_id, State.RUNNING, job_id=job_id)
        if simulation is None:
            seen = table.get(simulation_id)
            if seen is None:
                raise NotFoundError(f"there is no simulation {simulation_id}; GET /api/simulations lists what there is")
            if seen.state is State.CANCELLED:
                drop_world(settings, simulation_id)
                raise SimulationStoppedError
            raise ConflictError(f"simulation {simulation_id} is {seen.state} already")
        with _ends_noted(settings, table, simulation_id):
            ended = _run(settings, table, simulation, on_progress)
            drop_world(settings, simulation_id)
    return ended


def _run(settings: Settings, table: Simulations, simulation: Simulation, on_progress: OnProgress) -> Simulation:
    history = open_history(settings, simulation.plan)
    world = make_world(settings, simulation.id)
    reporter = SimulatedReporter(table, simulation.id)
    ending = Ending(world, simulation, history, table, SimulationReports(settings.s3))
    with open_days(world, simulation, history, reporter) as days:
        return Simulator(table, _Acts(days, ending), on_progress).run(simulation)


@contextmanager
def _ends_noted(settings: Settings, table: Simulations, simulation_id: UUID) -> Iterator[None]:
    """Whatever ends the work is in the simulation's row, when its database answers."""
    try:
        yield
    except SimulationStoppedError:
        drop_world(settings, simulation_id)
        raise
    except KeyboardInterrupt:
        table.move(simulation_id, State.PAUSED)
        raise
    except Exception as error:
        transient = is_transient(error)
        log.warning("simulation_interrupted", id=str(simulation_id), error=f"{type(error).__name__}: {error}")
        table.move(simulation_id, State.PAUSED if transient else State.FAILED, error=_told(error))
        raise


def _told(error: Exception) -> Mapping[str, str]:
    if isinstance(error, StockMlopsError):
        return {"title": error.title, "detail": error.detail, "code": error.code}
    return {"title": StockMlopsError.title, "detail": f"{type(error).__name__}: {error}", "code": StockMlopsError.code}


@contextmanager
def _alone(settings: Settings, simulation_id: UUID) -> Iterator[None]:
    """Wait until no other process is at work on the simulation."""
    engine, key = get_engine(settings.model_meta_db), simulation_id.int >> 65
    deadline = monotonic() + _LOCK_PATIENCE
    while True:
        with advisory_lock(engine, key) as mine:
            if mine:
                yield
                return
        if monotonic() > deadline:
            raise DependencyUnavailableError(f"simulation {simulation_id}", "another process is at work on it")
        sleep(_LOCK_LOOKS)
