"""The acts of a simulation: what a platform does after the close of each session, by its own services, over databases
that are the simulation's alone. Each can be done twice with the effect of once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from functools import lru_cache

from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import DependencyUnavailableError, StockMlopsError
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.instruments import Sessions
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.services.adaptation import open_adaptation
from stock_mlops.services.ingest import open_ingest
from stock_mlops.services.jobs import JobRunner
from stock_mlops.services.monitoring import open_monitoring
from stock_mlops.services.prediction import Predictor
from stock_mlops.services.promotion import make_promotion
from stock_mlops.services.replay import SETTLING_TIME
from stock_mlops.services.retraining_desk import open_retraining_loop
from stock_mlops.services.settlement import open_settlement
from stock_mlops.services.simulated_alerts import SimulatedReporter, Untold
from stock_mlops.services.simulated_forecasts import SessionModels, SessionRecord, SessionVectors
from stock_mlops.services.simulation_source import StoredHistory
from stock_mlops.services.training import open_training
from stock_mlops.simulation.plan import HORIZON, Plan
from stock_mlops.stores.catalog import Catalog, ModelDefinition, ModelVersion
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.interval_states import IntervalStates
from stock_mlops.stores.jobs import JobKind, Jobs, JobState
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.promotions import Change, Promotions
from stock_mlops.stores.queue import MemoryQueue
from stock_mlops.stores.retrainings import RetrainingRecord, Retrainings
from stock_mlops.stores.session_warehouse import SessionWarehouse
from stock_mlops.stores.simulated_predictions import SimulatedPredictions
from stock_mlops.stores.simulations import Decision, Simulation

log = get_logger(__name__)

ACTOR = "simulation"
_FIRST = "the first model: something has to serve"
_LOADED = 64


class SimulationError(StockMlopsError):
    """Something that does not get better by trying again."""

    code = "simulation_stuck"
    title = "The simulation cannot go on"


class Days:
    """
    Args:
        world: settings whose databases are the simulation's (``services.simulation_world``).

    Raises:
        SimulationError: what was asked for cannot be done.
        DependencyUnavailableError, and what the stores raise: a server does not answer; the act is done again.
    """

    def __init__(
        self,
        world: Settings,
        simulation: Simulation,
        history: StoredHistory,
        reporter: SimulatedReporter,
        opened: ExitStack,
    ) -> None:
        meta, client = get_engine(world.model_meta_db), get_client(world.clickhouse)
        mlflow = opened.enter_context(_closing(world))
        files = ModelFiles(mlflow, world.path(world.serving.cache_dir))
        self._world = world
        self._plan: Plan = simulation.plan
        self._history = history
        self._reporter = reporter
        self._clocks = MarketClocks(meta)
        # Others' clocks may be a second behind, which is a session here.
        self._ingest = open_ingest(world, clocks=self._clocks)
        self._settlement = open_settlement(world)
        self._warehouse = SessionWarehouse(client)
        self._adaptation = open_adaptation(world, self._warehouse)
        self._monitoring = open_monitoring(world, reporter, self._warehouse)
        self._catalog = Catalog(meta)
        self._retrainings = Retrainings(meta)
        self._promotions = Promotions(meta)
        self._loop = opened.enter_context(
            open_retraining_loop(world, queue=MemoryQueue(), reporter=Untold(), outcomes=self._warehouse)
        )
        self._promotion = make_promotion(world, mlflow)
        self._jobs = Jobs(meta, world.jobs)
        self._runner = JobRunner(meta, world.jobs, ACTOR)
        # Nobody looks at the plots of a hundred trainings, which take longer than those.
        self._training = open_training(world, draw=lambda _, folder: folder.mkdir())
        self._models = SessionModels(
            self._catalog, lru_cache(maxsize=_LOADED)(files.load), IntervalStates(meta), world.serving.expiry_sessions
        )
        self._record = SessionRecord(SimulatedPredictions(client), simulation.id)
        self._vectors = SessionVectors(self._warehouse)
        self._predictor = Predictor(self._vectors, self._models, self._record, max_days=HORIZON)
        self._runs = opened.enter_context(asyncio.Runner())
        # What a process that died was training.
        self._jobs.release(ACTOR)

    def prepare(self) -> Sequence[Decision]:
        """Load all history before the first day, and train a first model of every ticker on it; returns which of them
        serve though the gate refused them."""
        first, last = self._plan.sessions()[0], self._plan.sessions()[-1]
        eve = self._sessions.previous(first)
        self._clocks.start_replay(eve, self._now(eve), last)
        self._fetch()
        definitions = [
            self._catalog.create_definition(parse_spec(self._plan.definition(item))) for item in self._plan.instruments
        ]
        for definition in definitions:
            self._retrainings.set_policy(definition.id, self._plan.policy, ACTOR)
            if self._catalog.champion_of(definition.registered_name) is None:
                payload = {"model_id": str(definition.id)}
                self._jobs.submit(JobKind.TRAIN, payload, idempotency_key=f"first {definition.id}")
        self._train()
        for definition in definitions:
            self._ensure_champion(definition.registered_name)
        forced = (self._forced(definition, eve) for definition in definitions)
        return [decision for decision in forced if decision is not None]

    def load(self, session: date) -> int:
        """Move the clock to shortly after a session's close, load its prices, settle what they complete, and let
        intervals learn from it; returns how many forecasts were settled."""
        state = self._clocks.replay()
        if state is None:
            raise SimulationError("the simulation's clock was never started; delete it and start another one")
        if state.session < session:
            self._clocks.advance(state, session, self._now(session))
        self._fetch()
        settled = self._settlement.settle(self._plan.instruments).settled
        for instrument in self._plan.instruments:
            self._adaptation.update(instrument)
        return settled

    def forecast(self, session: date) -> int:
        """Forecast the next close of every ticker that was traded; returns how many forecasts there are."""
        self._models.refresh()
        self._vectors.begin(self._plan.instruments, session)
        self._record.begin(self._now(session))
        answers = self._runs.run(self._predictor.predict_bulk(self._plan.instruments, HORIZON, "replay"))
        for answer in answers:
            if isinstance(answer, StockMlopsError):
                log.info("simulation_without_forecast", session=str(session), error=answer.detail)
        return self._record.kept

    def watch(self, session: date) -> int:
        """Monitor data and models; returns how many alerts there were so far."""
        self._reporter.session = session
        report = self._monitoring.run(self._plan.instruments)
        if report.failed:
            raise DependencyUnavailableError("what monitoring reads", f"watchers failed: {', '.join(report.failed)}")
        return self._reporter.raised

    def retrain(self, session: date) -> Sequence[Decision]:
        """Let the closed loop do what is due, and train what it asks for; returns the newest steps of every ticker."""
        while True:
            report = self._loop.step(self._now(session))
            if report.failed:
                raise DependencyUnavailableError("what retraining reads", f"{report.failed} models were not advanced")
            if not self._train():
                break
        records = self._retrainings.records(None, 4 * len(self._plan.tickers))
        return [decision for record in reversed(records) for decision in _decisions(record)]

    @property
    def _sessions(self) -> Sessions:
        return self._plan.instruments[0].sessions

    def _now(self, session: date) -> datetime:
        return self._sessions.close_time(session) + SETTLING_TIME

    def _fetch(self) -> None:
        report = self._ingest.run(self._history, self._plan.instruments, exports=False)
        if report.failed:
            told = "; ".join(f"{item.instrument}: {item.error}" for item in report.failed)
            raise SimulationError(f"prices could not be loaded: {told}")
        for item in report.tickers:
            if item.warehouse == "tail":
                self._warehouse.appended(item.instrument)
            else:
                # Also where nothing was to be written: an act before this one may have ended in between.
                self._warehouse.rewritten(item.instrument)

    def _train(self) -> int:
        """Run the trainings that wait; returns how many."""
        waiting = self._jobs.page(JobKind.TRAIN, states=[JobState.PENDING]).items
        for job in reversed(waiting):
            self._runner.run(job.id, self._training.train_job)
        return len(waiting)

    def _ensure_champion(self, name: str) -> None:
        """Something has to serve from the first day on: what the gate refused, it may replace later."""
        if self._catalog.champion_of(name) is not None:
            return
        versions = self._catalog.versions_of(name)
        if not versions:
            failed = [job for job in self._jobs.page(JobKind.TRAIN).items if job.error]
            detail = failed[0].error["detail"] if failed and failed[0].error else "its training did not end"
            raise SimulationError(f"{name}: no first model could be trained: {detail}")
        change = Change(ACTOR, _FIRST)
        self._promotion.promote(name, versions[-1].version, change, force=True)

    def _forced(self, definition: ModelDefinition, eve: date) -> Decision | None:
        """That a first model serves against the gate; read from the trail, so that it is told also when the process
        died in between."""
        entry = next(
            (item for item in self._promotions.audit(definition.registered_name) if item.reason == _FIRST), None
        )
        version = entry and entry.to_version and self._catalog.version_of(definition.registered_name, entry.to_version)
        return first_decision(definition, version, eve) if version else None


def first_decision(definition: ModelDefinition, version: ModelVersion, eve: date) -> Decision:
    """That the first model of a ticker serves though the gate refused it. Of no retraining: it bears the definition's
    id, and comes from no state."""
    return Decision(
        retraining_id=definition.id,
        revision=0,
        session=eve,
        ticker=definition.registered_name.split("-", 2)[2],
        event=Event.PROMOTED.value,
        from_state=None,
        to_state=State.CONFIRMED.value,
        challenger=version.version,
        detail=f"{_FIRST}; the gate had refused it",
        checks=(version.verdict or {}).get("checks", ()),
    )


def _decisions(record: RetrainingRecord) -> Iterator[Decision]:
    ticker = record.retraining.registered_name.split("-", 2)[2]
    for step in record.steps:
        # What a refusal is about is known by its training's end only.
        named = step.from_state is not None and step.from_state not in (State.PROPOSED, State.TRIGGERED)
        yield Decision(
            retraining_id=record.retraining.id,
            revision=step.revision,
            session=step.session,
            ticker=ticker,
            event=step.event.value,
            from_state=None if step.from_state is None else step.from_state.value,
            to_state=step.to_state.value,
            challenger=record.retraining.challenger if named else None,
            detail=step.detail,
            checks=step.checks,
        )


@contextmanager
def open_days(
    world: Settings, simulation: Simulation, history: StoredHistory, reporter: SimulatedReporter
) -> Iterator[Days]:
    """The acts over the servers of ``world``, whose databases are there."""
    with ExitStack() as opened:
        yield Days(world, simulation, history, reporter, opened)


@contextmanager
def _closing(world: Settings) -> Iterator[MlflowRest]:
    mlflow = MlflowRest(world.mlflow)
    try:
        yield mlflow
    finally:
        mlflow.close()
