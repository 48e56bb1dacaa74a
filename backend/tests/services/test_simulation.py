"""The order of a simulation's acts, whatever interrupts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from stock_mlops.errors import DependencyUnavailableError, InvalidRequestError
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.services.simulation import SimulationStoppedError, Simulator
from stock_mlops.services.simulation_days import first_decision
from stock_mlops.simulation.plan import Plan
from stock_mlops.simulation.state import Stage, State
from stock_mlops.simulation.summary import retrained
from stock_mlops.stores.catalog import ModelDefinition, ModelVersion
from stock_mlops.stores.simulation_twins import MemorySimulations
from stock_mlops.stores.simulations import Decision, Simulation

PLAN = Plan(first=date(2010, 1, 4), last=date(2010, 1, 7), tickers=("AAPL",))
DAYS = PLAN.sessions()
RETRAINING = UUID(int=5)
FIRST = Decision(UUID(int=6), 0, date(2009, 12, 31), "AAPL", "promoted", None, "confirmed", 1, "the first model", [])
OF_A_DAY = ("load", "forecast", "watch", "retrain")
WHOLE = ["prepare", *(f"{act} {day}" for day in DAYS for act in OF_A_DAY), "verify", "report"]


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Acts:
    """Notes what is done; dies, or fails, before and after an act."""

    done: list[str] = field(default_factory=list)
    dies_at: int | None = None
    unavailable: int = 0
    broken: bool = False
    forced: bool = False
    cancels: Any = None

    def _do(self, what: str) -> None:
        if self.unavailable:
            self.unavailable -= 1
            raise DependencyUnavailableError("ClickHouse", "restarting")
        if self.broken:
            raise InvalidRequestError("no such price")
        if self.dies_at is not None and len(self.done) == self.dies_at:
            raise Killed
        self.done.append(what)
        if self.cancels is not None:
            self.cancels()

    def prepare(self) -> Sequence[Decision]:
        self._do("prepare")
        return [FIRST] if self.forced else []

    def load(self, session: date) -> int:
        self._do(f"load {session}")
        return 1

    def forecast(self, session: date) -> int:
        self._do(f"forecast {session}")
        return 1

    def watch(self, session: date) -> int:
        self._do(f"watch {session}")
        return 0

    def retrain(self, session: date) -> Sequence[Decision]:
        self._do(f"retrain {session}")
        return [
            Decision(RETRAINING, number, day, "AAPL", "submitted", None, "training", None, "", [])
            for number, day in enumerate(DAYS)
            if day <= session
        ]

    def verify(self) -> None:
        self._do("verify")

    def report(self) -> Mapping[str, Any]:
        self._do("report")
        return {"forecasts": 4}


@pytest.fixture
def table() -> MemorySimulations:
    return MemorySimulations()


def begun(table: MemorySimulations) -> Simulation:
    return table.create(PLAN, "", "ann", State.RUNNING)


def simulator(table: MemorySimulations, acts: Acts, patience: float = 5.0) -> Simulator:
    return Simulator(table, acts, patience=patience)


def test_every_session_is_loaded_forecast_watched_and_retrained_in_this_order(table: MemorySimulations) -> None:
    acts = Acts()
    ended = simulator(table, acts).run(begun(table))
    assert acts.done == WHOLE
    assert (ended.state, ended.sessions_done, ended.summary) == (State.COMPLETED, 4, {"forecasts": 4})
    assert ended.counts == {"settled": 4, "forecasts": 4, "alerts": 0, "trainings": 4}
    assert len(table.decisions(ended.id)[1]) == 4


def test_a_first_model_that_serves_against_the_gate_is_the_first_decision_and_no_promotion(
    table: MemorySimulations,
) -> None:
    ended = simulator(table, Acts(forced=True)).run(begun(table))
    assert table.decisions(ended.id)[1][-1] == FIRST
    assert "promotions" not in ended.counts
    assert retrained([FIRST]).promotions == 0


def test_a_first_model_that_serves_against_the_gate_bears_the_gates_reasons() -> None:
    spec, at = parse_spec(PLAN.definition(PLAN.instruments[0])), datetime(2026, 1, 1, tzinfo=UTC)
    definition = ModelDefinition(
        UUID(int=6), spec.name, "US", "AAPL", None, "ridge", spec.registered_model, {}, "h", at, at
    )
    checks = [{"name": "calibrated", "passed": False, "expected": "90 %", "got": "50 %"}]
    version = ModelVersion(
        definition.id, spec.registered_model, 1, "run", "", None, "d", "f", 1, {}, date(2009, 12, 31), None, at,
        {"passed": False, "checks": checks},
    )  # fmt: skip
    found = first_decision(definition, version, date(2009, 12, 31))
    assert (found.ticker, found.event, found.from_state, found.to_state) == ("AAPL", "promoted", None, "confirmed")
    assert (found.challenger, found.checks) == (1, checks)
    assert found.detail == "the first model: something has to serve; the gate had refused it"


@pytest.mark.parametrize("dies_at", range(len(WHOLE)))
def test_a_process_that_dies_at_any_act_leaves_it_to_the_next_one(table: MemorySimulations, dies_at: int) -> None:
    simulation, acts = begun(table), Acts(dies_at=dies_at)
    with pytest.raises(Killed):
        simulator(table, acts).run(simulation)
    acts.dies_at = None
    ended = simulator(table, acts).run(table.rows[simulation.id])
    assert acts.done == WHOLE
    assert ended.counts["trainings"] == 4
    assert [item.revision for item in table.decisions(ended.id)[1]] == [3, 2, 1, 0]


def test_an_act_is_done_again_while_a_server_does_not_answer(table: MemorySimulations) -> None:
    acts = Acts(unavailable=1)
    assert simulator(table, acts).run(begun(table)).state is State.COMPLETED
    assert acts.done == WHOLE


def test_a_server_that_stays_away_ends_the_process_and_not_the_simulation(table: MemorySimulations) -> None:
    simulation = begun(table)
    with pytest.raises(DependencyUnavailableError):
        simulator(table, Acts(unavailable=100), patience=0.0).run(simulation)
    assert table.rows[simulation.id].state is State.RUNNING


def test_what_does_not_get_better_is_not_tried_again(table: MemorySimulations) -> None:
    with pytest.raises(InvalidRequestError):
        simulator(table, Acts(broken=True)).run(begun(table))


def test_a_cancelled_one_stops_after_the_act_at_work(table: MemorySimulations) -> None:
    simulation, acts = begun(table), Acts()
    acts.cancels = lambda: len(acts.done) == 3 and table.move(simulation.id, State.CANCELLED)
    with pytest.raises(SimulationStoppedError):
        simulator(table, acts).run(simulation)
    assert acts.done == WHOLE[:3]
    assert table.rows[simulation.id].state is State.CANCELLED


def test_progress_is_told_after_each_act(table: MemorySimulations) -> None:
    seen: list[tuple[Stage, int]] = []
    Simulator(table, Acts(), lambda now: seen.append((now.stage, now.sessions_done))).run(begun(table))
    assert seen[:6] == [
        (Stage.LOAD, 0),
        (Stage.FORECAST, 0),
        (Stage.WATCH, 0),
        (Stage.RETRAIN, 0),
        (Stage.LOAD, 1),
        (Stage.FORECAST, 1),
    ]
    assert seen[-1] == (Stage.DONE, 4)
