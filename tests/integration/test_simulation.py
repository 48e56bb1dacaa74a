"""The time machine over real PostgreSQL, ClickHouse, MLflow and S3: what it decides depends neither on later days nor
on how often its process dies, and nothing of it is in a live table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.retraining.policy import Policy, TriggerRule
from stock_mlops.services import simulation_days, simulation_running
from stock_mlops.services.simulation_opening import make_simulation_desk
from stock_mlops.services.simulation_running import run_simulation
from stock_mlops.services.simulation_world import drop_world, world_settings
from stock_mlops.services.training import Training
from stock_mlops.simulation.plan import Plan
from stock_mlops.simulation.state import State
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.clickhouse import get_client, open_client
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.predictions import PredictionFilter, Predictions
from stock_mlops.stores.queue import MemoryQueue
from stock_mlops.stores.simulated_outcomes import SimulatedOutcomes
from stock_mlops.stores.simulation_reports import SimulationReports
from stock_mlops.stores.simulations import Decision, Simulation, Simulations

# MLflow warns of its own type hints; it runs in a worker otherwise, where a warning is no error.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

# Two years of one share and three features: trainings take a second.
SHORT, LONG = date(2002, 4, 12), date(2002, 4, 18)
PLAN = Plan(
    first=date(2002, 4, 1),
    last=SHORT,
    tickers=("IBM",),
    features=("return_1", "volatility_5", "gap"),
    policy=Policy(
        new_sessions=TriggerRule(mode="automatic", threshold=3),
        shadow_sessions=0,
        probation_sessions=2,
        cooldown_sessions=3,
    ),
    verify=4,
)


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Deaths:
    """Lets the process die around some of what it does, drawn by a seed."""

    rng: np.random.Generator
    left: int

    def around(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def done(*values: Any, **named: Any) -> Any:
            self._may_die()
            found = act(*values, **named)
            self._may_die()
            return found

        return done

    def _may_die(self) -> None:
        if self.left and self.rng.random() < 0.12:
            self.left -= 1
            raise Killed


@dataclass(frozen=True)
class Lived:
    simulation: Simulation
    decisions: Sequence[tuple[Any, ...]]
    forecasts: Sequence[tuple[Any, ...]]

    def until(self, day: date) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """What was decided and forecast; outcomes of the last day's forecasts come a day later."""
        return (
            [item for item in self.decisions if item[0] <= day],
            [(ticker, session, made) for session, ticker, made in self.forecasts if session <= day],
        )


@pytest.fixture(scope="module")
def settings(local_stack: LocalStack) -> Settings:
    local_stack.require("model_meta_db", "raw_db", "clickhouse", "mlflow", "s3")
    migrate(local_stack.settings)
    return local_stack.settings


@pytest.fixture(scope="module")
def kept() -> Iterator[None]:
    """Its databases stay until they were looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation_running, "drop_world", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def undisturbed(settings: Settings, kept: None) -> Lived:
    return live(settings, PLAN, run_simulation)


@pytest.fixture(scope="module")
def disturbed(settings: Settings, kept: None) -> tuple[Lived, int]:
    """The same with later days to come, by processes that die; and how many of them did."""
    deaths = Deaths(np.random.default_rng(4), left=8)

    def run(settings: Settings, simulation_id: UUID) -> Simulation:
        while True:
            try:
                return run_simulation(settings, simulation_id)
            except Killed:
                continue

    with pytest.MonkeyPatch.context() as patch:
        for name in ("load", "forecast", "watch", "retrain"):
            patch.setattr(simulation_days.Days, name, deaths.around(getattr(simulation_days.Days, name)))
        # After a version was registered, before anybody knows of it: the worst moment.
        patch.setattr(Training, "_register", deaths.around(Training._register))
        lived = live(settings, PLAN.model_copy(update={"last": LONG, "verify": 0}), run)
    return lived, 8 - deaths.left


def live(settings: Settings, plan: Plan, run: Callable[[Settings, UUID], Simulation]) -> Lived:
    begun = make_simulation_desk(settings, MemoryQueue()).begin(plan, "", "test")
    ended = run(settings, begun.id)
    table = Simulations(get_engine(settings.model_meta_db))
    outcomes = SimulatedOutcomes(open_client(world_settings(settings, begun.id).clickhouse)).all()
    return Lived(
        ended,
        [told(item) for item in reversed(table.decisions(begun.id)[1])],
        [(row["as_of"], row["ticker"], row["predicted_return"]) for row in outcomes.iter_rows(named=True)],
    )


def told(decision: Decision) -> tuple[Any, ...]:
    """What was decided and why, without the numbers of versions: one that died unheard of took a number along."""
    checks = [(check["name"], check["passed"], check["got"]) for check in decision.checks]
    return (decision.session, decision.ticker, decision.event, decision.to_state, tuple(checks))


def test_it_goes_through_all_sessions_to_its_report(undisturbed: Lived, settings: Settings) -> None:
    ended, summary = undisturbed.simulation, undisturbed.simulation.summary
    assert summary is not None
    assert (ended.state, ended.sessions_done) == (State.COMPLETED, len(PLAN.sessions()))
    assert (summary["forecasts"], summary["settled"]) == (len(PLAN.sessions()), len(PLAN.sessions()) - 1)
    assert summary["trainings"] >= 2
    assert summary["trainings"] == summary["promotions"] + summary["rejections"]
    markdown = SimulationReports(settings.s3).get(ended.id, "markdown").decode()
    assert f"| retrainings | {summary['trainings']} |" in markdown


def test_days_computed_again_from_data_cut_there_give_the_same(undisturbed: Lived) -> None:
    summary = undisturbed.simulation.summary
    assert summary is not None
    assert summary["verified"] == {"days": 4, "equal": 4, "differences": []}


def test_neither_later_days_nor_deaths_of_the_process_change_a_decision(
    undisturbed: Lived, disturbed: tuple[Lived, int]
) -> None:
    lived, deaths = disturbed
    assert deaths == 8
    assert lived.until(SHORT) == undisturbed.until(SHORT)
    assert undisturbed.decisions


def test_nothing_of_it_is_in_a_live_table(undisturbed: Lived, disturbed: tuple[Lived, int], settings: Settings) -> None:
    engine, client = get_engine(settings.model_meta_db), lambda: get_client(settings.clickhouse)
    versions = {version.run_id for version in Catalog(get_engine(_meta(settings, undisturbed))).versions_of()}
    assert versions
    assert versions.isdisjoint(version.run_id for version in Catalog(engine).versions_of())
    assert all(item.event.run_id not in versions for item in Predictions(client).page(PredictionFilter(), 500).items)
    mlflow = MlflowRest(settings.mlflow)
    assert not [model for model in mlflow.registered_models() if model["name"].startswith("simulation-")]
    mlflow.close()


def test_at_its_end_it_leaves_nothing_but_its_report(
    undisturbed: Lived, disturbed: tuple[Lived, int], settings: Settings
) -> None:
    for lived in (undisturbed, disturbed[0]):
        drop_world(settings, lived.simulation.id)
        drop_world(settings, lived.simulation.id)  # what is gone already is no error
    with get_engine(settings.model_meta_db).connect() as connection:
        names = [row[0] for row in connection.execute(text("SELECT datname FROM pg_database"))]
    assert not [name for name in names if name.startswith("simulation_")]
    databases = get_client(settings.clickhouse).query("SHOW DATABASES").result_rows
    assert not [row for row in databases if str(row[0]).startswith("simulation_")]


def _meta(settings: Settings, lived: Lived) -> Any:
    return world_settings(settings, lived.simulation.id).model_meta_db
