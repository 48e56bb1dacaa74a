"""A simulation from its first session to its report: one act after the other, each committed before the next is begun.

Whoever takes a simulation over, after a crash or after Ctrl-C, does what its row says is next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from time import monotonic
from typing import Any, Protocol, TypeVar
from uuid import UUID

from stock_kit.logging import get_logger
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from stock_mlops.retraining.cycle import Event
from stock_mlops.services.jobs import is_transient
from stock_mlops.simulation.state import OF_A_SESSION, Stage, State
from stock_mlops.stores.simulations import Decision, Position, Simulation

log = get_logger(__name__)

# A server that is restarted is back within a minute; longer is for a person to look at.
_PATIENCE = 120.0
# Of the newest sessions that the pace is told by, the weight of each against those before.
_PACE_WEIGHT = 0.05
_COUNTED: Mapping[str, str] = {
    Event.SUBMITTED: "trainings",
    Event.PROMOTED: "promotions",
    Event.REFUSED: "rejections",
    Event.ROLLED_BACK: "rollbacks",
}


class Table(Protocol):
    """``stores.simulations.Simulations``, or its twin in a test."""

    def get(self, simulation_id: UUID) -> Simulation | None: ...

    def advance(self, simulation_id: UUID, position: Position, decisions: Sequence[Decision] = ()) -> bool: ...

    def decisions(
        self, simulation_id: UUID, limit: int | None = None, offset: int = 0
    ) -> tuple[int, Sequence[Decision]]: ...

    def move(
        self,
        simulation_id: UUID,
        state: State,
        *,
        error: Mapping[str, str] | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> Simulation | None: ...


class Acts(Protocol):
    """``services.simulation_days.Days``, or a list in a test."""

    def prepare(self) -> Sequence[Decision]: ...

    def load(self, session: date) -> int: ...

    def forecast(self, session: date) -> int: ...

    def watch(self, session: date) -> int: ...

    def retrain(self, session: date) -> Sequence[Decision]: ...

    def verify(self) -> None: ...

    def report(self) -> Mapping[str, Any]: ...


class SimulationStoppedError(Exception):
    """It was cancelled, or another process ended it: nothing more is to be done."""


OnProgress = Callable[[Simulation], None]
T = TypeVar("T")


class Simulator:
    """
    Args:
        patience: seconds for which an act is tried again while a server does not answer.
        on_progress: told after each act.
    """

    def __init__(
        self,
        table: Table,
        acts: Acts,
        on_progress: OnProgress = lambda _: None,
        *,
        patience: float = _PATIENCE,
    ) -> None:
        self._table = table
        self._acts = acts
        self._on_progress = on_progress
        self._patience = patience
        self._counts: Counter[str] = Counter()
        self._known: set[tuple[UUID, int]] = set()

    def run(self, simulation: Simulation) -> Simulation:
        """Take a running simulation to its end, from where it stands.

        Raises:
            SimulationStoppedError: it was cancelled meanwhile.
            what its acts raise; the next run goes on at the act that failed.
        """
        self._counts = Counter(simulation.counts)
        self._known = {(item.retraining_id, item.revision) for item in self._table.decisions(simulation.id)[1]}
        sessions = simulation.plan.sessions()
        if simulation.stage is Stage.PREPARE:
            first = self._do(self._acts.prepare)
            simulation = self._enter(simulation, Position(Stage.LOAD, sessions[0], 0), first)
        for number in range(simulation.sessions_done, len(sessions)):
            simulation = self._simulate(simulation, sessions, number)
        if simulation.stage is Stage.VERIFY:
            self._do(self._acts.verify)
            simulation = self._enter(simulation, Position(Stage.REPORT, sessions[-1], len(sessions)))
        summary = self._do(self._acts.report)
        ended = self._table.move(simulation.id, State.COMPLETED, summary=summary)
        if ended is None:
            raise SimulationStoppedError
        self._on_progress(ended)
        return ended

    def _simulate(self, simulation: Simulation, sessions: Sequence[date], number: int) -> Simulation:
        started, session = monotonic(), sessions[number]
        acts = OF_A_SESSION[OF_A_SESSION.index(simulation.stage) :]
        for stage, following in zip(acts, [*acts[1:], None], strict=True):
            decided = self._act(stage, session)
            if following is not None:
                position = Position(following, session, number)
            else:
                position = _after(sessions, number, _pace(simulation.pace, monotonic() - started))
            simulation = self._enter(simulation, position, decided)
        return simulation

    def _act(self, stage: Stage, session: date) -> list[Decision]:
        """Do what a stage asks for; returns what was decided that is not known yet."""
        if stage is Stage.LOAD:
            self._counts["settled"] += self._do(lambda: self._acts.load(session))
        elif stage is Stage.FORECAST:
            self._counts["forecasts"] += self._do(lambda: self._acts.forecast(session))
        elif stage is Stage.WATCH:
            self._counts["alerts"] = self._do(lambda: self._acts.watch(session))
        else:
            found = self._do(lambda: self._acts.retrain(session))
            new = [item for item in found if (item.retraining_id, item.revision) not in self._known]
            self._known |= {(item.retraining_id, item.revision) for item in new}
            self._counts.update(_COUNTED[item.event] for item in new if item.event in _COUNTED)
            return new
        return []

    def _enter(self, simulation: Simulation, position: Position, decisions: Sequence[Decision] = ()) -> Simulation:
        at = Position(position.stage, position.session, position.sessions_done, dict(self._counts), position.pace)
        if not self._do(lambda: self._table.advance(simulation.id, at, decisions)):
            raise SimulationStoppedError
        now = self._do(lambda: self._table.get(simulation.id))
        if now is None:
            raise SimulationStoppedError
        self._on_progress(now)
        return now

    def _do(self, act: Callable[[], T]) -> T:
        """Do it again while a server does not answer."""
        for attempt in Retrying(
            retry=retry_if_exception(is_transient),
            stop=stop_after_delay(self._patience),
            wait=wait_exponential(multiplier=0.5, max=10),
            reraise=True,
        ):
            with attempt, _noted():
                return act()
        raise AssertionError("tenacity ends with a result or an error")


@contextmanager
def _noted() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_transient(error):
            log.warning("simulation_waits", error=f"{type(error).__name__}: {error}")
        raise


def _after(sessions: Sequence[date], number: int, pace: float) -> Position:
    if number + 1 < len(sessions):
        return Position(Stage.LOAD, sessions[number + 1], number + 1, pace=pace)
    return Position(Stage.VERIFY, sessions[number], number + 1, pace=pace)


def _pace(before: float | None, seconds: float) -> float:
    return seconds if before is None else before + _PACE_WEIGHT * (seconds - before)
