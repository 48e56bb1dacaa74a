"""The closed loop over real PostgreSQL, ClickHouse and MLflow: a bad challenger is rejected, a good one promoted, one
that breaks taken back; and the process may die before and after everything that it writes."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from clickhouse_connect.driver.client import Client
from sqlalchemy import text
from stock_kit.clock import wall_now
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import RAW_SCHEMA
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.retraining.policy import Policy, TriggerRule
from stock_mlops.services.alert_reporting import open_reporter
from stock_mlops.services.jobs import JobRunner, Outcome
from stock_mlops.services.promotion import make_promotion
from stock_mlops.services.retraining import RetrainingLoop
from stock_mlops.services.retraining_acts import Acts
from stock_mlops.services.retraining_desk import TrainingJobs, make_retraining_desk
from stock_mlops.services.retraining_evidence import EvidenceDesk, Market
from stock_mlops.services.retraining_trail import Trail
from stock_mlops.services.shadowing import Shadowing
from stock_mlops.services.training import open_training
from stock_mlops.services.warehouse_sync import WarehouseSync
from stock_mlops.stores.alerts import AlertFilter, Alerts
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.jobs import JobKind, JobRef, Jobs, JobState
from stock_mlops.stores.market_clock import MemoryClocks
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.monitoring import MonitoringTable
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.predictions import PredictionFilter, Predictions
from stock_mlops.stores.promotions import Action, Promotions
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.retrainings import RetrainingRecord, Retrainings
from stock_mlops.stores.shadow_predictions import ShadowPredictions
from stock_mlops.stores.warehouse import TrainingFrame, Warehouse

# MLflow warns of its own type hints; it runs in a worker otherwise, where a warning is no error.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

SHARE = Instrument("US", "LOOPED")
SPEC = {"ticker": "LOOPED", "features": ["return_1", "volatility_5", "gap"], "horizon": 1, "model_type": "ridge"}
DAYS = SHARE.sessions.between(date(2002, 1, 2), date(2007, 12, 31))
BEGIN = DAYS.index(date(2006, 12, 29))
POLICY = Policy(
    age=TriggerRule(mode="automatic", threshold=20),
    challenger="search",
    search_trials=3,
    shadow_sessions=10,
    probation_sessions=15,
    cooldown_sessions=5,
)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Fuse:
    """Counts down over everything that is written, before it and after it."""

    left: int | None = None

    def tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Crash


class Dying:
    """``inner``, with the process dying around its ``writes``."""

    def __init__(self, inner: Any, fuse: Fuse, *writes: str) -> None:
        self._inner, self._fuse, self._writes = inner, fuse, writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._writes:
            return found

        def write(*values: Any, **named: Any) -> Any:
            self._fuse.tick()
            done = found(*values, **named)
            self._fuse.tick()
            return done

        return write


class NoQueue:
    """Nobody listens: the test runs the jobs itself."""

    def send(self, job: JobRef) -> bool:
        return bool(job.id)

    def close(self) -> None:
        """Nothing is open."""


class Shuffled:
    """Training data whose returns were dealt anew: the labels say nothing of the features."""

    def __init__(self, inner: Warehouse) -> None:
        self._inner = inner

    def training_frames(
        self, instruments: Sequence[Instrument], names: Sequence[str], start: date | None, end: date | None
    ) -> dict[Instrument, TrainingFrame]:
        honest = self._inner.training_frames(instruments, names, start, end)
        return {instrument: self._dealt(part) for instrument, part in honest.items()}

    def _dealt(self, honest: TrainingFrame) -> TrainingFrame:
        returns = np.diff(np.log(honest.frame["close"].to_numpy()), prepend=0.0)
        dealt = np.exp(np.cumsum(np.random.default_rng(3).permutation(returns)))
        return honest._replace(frame=honest.frame.with_columns(close=pl.Series(dealt), open=pl.Series(dealt)))


@dataclass
class World:
    settings: Settings
    model: UUID
    loop: RetrainingLoop
    fuse: Fuse
    today: int = BEGIN
    closes: list[float] = field(default_factory=lambda: [100.0])
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(12))
    last: float = 0.0

    def trade(self, sessions: int, volatility: float = 0.01) -> None:
        """As many sessions more, whose returns follow the one before by 15 %; loaded into both stores."""
        first = len(self.closes) - 1
        for _ in range(sessions):
            self.last = 0.15 * self.last + volatility * float(self.rng.normal())
            self.closes.append(self.closes[-1] * float(np.exp(self.last)))
        self.today = len(self.closes) - 2
        closes = self.closes[first + 1 :]
        before = self.closes[first:-1]
        raw = RawPrices(get_engine(self.settings.raw_db))
        raw.upsert(_frame(DAYS[first : first + len(closes)], before, closes), wall_now())
        WarehouseSync(raw, Warehouse(get_client(self.settings.clickhouse))).run([SHARE])

    def clickhouse(self) -> Client:
        return get_client(self.settings.clickhouse)

    @property
    def now(self) -> datetime:
        return SHARE.sessions.close_time(DAYS[self.today])

    def step(self) -> None:
        """One step, at which the process dies at the first write, after a new start at the second, and so on."""
        for fuse in count():
            self.fuse.left = fuse
            try:
                assert self.loop.step(self.now).failed == 0
            except Crash:
                continue
            self.fuse.left = None
            return

    def work(self, *, shuffled: bool = False) -> None:
        """What the worker does."""
        engine = get_engine(self.settings.model_meta_db)
        training = open_training(self.settings)
        if shuffled:
            training._data = Shuffled(training._data)  # type: ignore[arg-type]
        jobs = Jobs(engine, self.settings.jobs)
        for job in jobs.page(JobKind.TRAIN, states=[JobState.PENDING]).items:
            outcome = JobRunner(engine, self.settings.jobs, "test").run(job.id, training.train_job)
            assert outcome is Outcome.COMPLETED, jobs.get(job.id)

    def champion(self) -> int | None:
        found = Catalog(get_engine(self.settings.model_meta_db)).champion_of(SHARE.registered_model)
        return None if found is None else found.version

    def record(self) -> RetrainingRecord:
        return Retrainings(get_engine(self.settings.model_meta_db)).records(self.model, 1)[0]

    def events(self) -> list[Event]:
        return [step.event for step in self.record().steps]


def _frame(days: Sequence[date], before: Sequence[float], closes: Sequence[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "exchange": SHARE.exchange,
            "ticker": SHARE.ticker,
            "session": days,
            "open": before,
            "high": [max(pair) * 1.001 for pair in zip(before, closes, strict=True)],
            "low": [min(pair) * 0.999 for pair in zip(before, closes, strict=True)],
            "close": closes,
            "volume": [1e6 + number for number in range(len(days))],
            "dividend": 0.0,
            "split": 1.0,
            "adj_close": closes,
            "source": "file",
        },
        schema=RAW_SCHEMA,
    )


@pytest.fixture(scope="module")
def settings(local_stack: LocalStack) -> Settings:
    """Databases of its own: no flow of a running stack must advance these retrainings."""
    local_stack.require("model_meta_db", "raw_db", "clickhouse", "mlflow")
    given = local_stack.settings
    databases = {
        "model_meta_db": given.model_meta_db.model_copy(update={"database": "test_retraining_meta"}),
        "raw_db": given.raw_db.model_copy(update={"database": "test_retraining_raw"}),
    }
    for name, database in databases.items():
        server = get_engine(getattr(given, name))
        with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {database.database}"))
    clickhouse = given.clickhouse.model_copy(update={"database": "stock_retraining"})
    own = given.model_copy(update={**databases, "clickhouse": clickhouse})
    migrate(own)
    return own


@pytest.fixture(scope="module")
def world(settings: Settings) -> Iterator[World]:
    """A share with a model that serves, trained on five years."""
    engine, client = get_engine(settings.model_meta_db), partial(get_client, settings.clickhouse)
    definition = Catalog(engine).create_definition(parse_spec(SPEC))
    fuse = Fuse()
    table: Any = Dying(Retrainings(engine), fuse, "begin", "move")
    with closing(MlflowRest(settings.mlflow)) as mlflow:
        files = ModelFiles(mlflow, settings.path(settings.serving.cache_dir))
        jobs = Jobs(engine, settings.jobs)
        shadow: Any = Dying(ShadowPredictions(client), fuse, "add")
        trainings: Any = Dying(TrainingJobs(jobs, NoQueue()), fuse, "submit")
        registry: Any = Dying(make_promotion(settings, mlflow), fuse, "promote", "rollback")
        market = Market(MemoryClocks(), _no_timelines, lambda wanted: Warehouse(client()).last_sessions(wanted))
        acts = Acts(
            Catalog(engine),
            trainings,
            Shadowing(Warehouse(client()), files.load, shadow),
            registry,
            settings.gate.significance,
        )
        trail, findings = Trail(table, open_reporter(settings)), EvidenceDesk(MonitoringTable(client))
        loop = RetrainingLoop(table, trail, Catalog(engine), acts, market, findings)
        world = World(settings, definition.id, loop, fuse)
        world.trade(BEGIN + 1)
        jobs.submit(JobKind.TRAIN, {"model_id": str(definition.id)})
        world.work()
        assert world.champion() == 1
        yield world
    # MLflow's client leaves the connection of each registration open; no later test is to answer for that.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _no_timelines() -> dict[Instrument, str]:
    """The steps are given the time."""
    return {}


def desk(settings: Settings) -> Any:
    return make_retraining_desk(settings, NoQueue(), open_reporter(settings))


def test_a_shuffled_challenger_is_rejected_with_reasons(world: World) -> None:
    desk(world.settings).set_policy(world.model, POLICY, "test")
    world.trade(19)
    world.step()
    assert Retrainings(get_engine(world.settings.model_meta_db)).records(world.model, 1) == []
    world.trade(3)
    world.step()
    assert world.events() == [Event.BEGAN, Event.SUBMITTED]
    world.work(shuffled=True)
    world.step()
    record = world.record()
    assert record.retraining.state is State.REJECTED
    assert world.events() == [Event.BEGAN, Event.SUBMITTED, Event.REFUSED]
    assert "outcomes_agree" in {check["name"] for check in record.steps[-1].checks if not check["passed"]}
    assert "outcomes_agree: expected" in record.steps[-1].detail
    assert world.champion() == 1


def test_a_good_challenger_is_promoted_and_taken_back_when_its_market_breaks(world: World) -> None:
    world.trade(6)
    world.step()
    # What serves after a rollback is as old as before: this test wants one retraining.
    desk(world.settings).set_policy(world.model, POLICY.model_copy(update={"cooldown_sessions": 250}), "test")
    world.work()
    world.step()
    record = world.record()
    assert record.retraining.state is State.SHADOW
    assert world.champion() == 1
    world.trade(4)
    world.step()
    assert world.record().retraining.state is State.SHADOW
    world.trade(8)
    world.step()
    assert world.record().retraining.state is State.PROBATION
    challenger = world.record().retraining.challenger
    assert world.champion() == challenger
    world.trade(10, volatility=0.05)
    world.step()
    ended = world.record()
    assert world.events() == [
        Event.BEGAN, Event.SUBMITTED, Event.TRAINED, Event.PASSED, Event.PROMOTED, Event.BROKE, Event.ROLLED_BACK,
    ]  # fmt: skip
    assert ended.retraining.state is State.ROLLED_BACK
    assert "probation_error" in ended.steps[-2].detail
    assert world.champion() == 1


def test_every_change_of_what_serves_is_in_the_trail_once(world: World) -> None:
    trail = Promotions(get_engine(world.settings.model_meta_db)).audit(SHARE.registered_model)
    assert [(entry.action, entry.from_version, entry.to_version) for entry in reversed(trail)] == [
        (Action.ACCEPT, None, 1),
        (Action.SHADOW, 1, 2),
        (Action.SHADOW, 1, 3),
        (Action.PROMOTE, 1, 3),
        (Action.ROLLBACK, 3, 1),
    ]
    assert {entry.actor for entry in trail[:2]} == {"retraining"}


def test_a_challenger_that_was_searched_for_says_so_wherever_it_is_looked_up(world: World) -> None:
    record = world.record()
    submitted, trained = record.steps[1:3]
    assert submitted.detail.endswith("a search of 3 trials")
    found = Catalog(get_engine(world.settings.model_meta_db)).version_of(SHARE.registered_model, 3)
    assert found is not None
    search = found.metrics["search"]
    assert (search["trials"], set(search["params"])) == (3, {"alpha"})
    told = f"the best of 3 tried: alpha = {search['params']['alpha']:.4g}"
    assert trained.detail == f"version 3 passed the gate; {told}"
    trail = Promotions(get_engine(world.settings.model_meta_db)).audit(SHARE.registered_model)
    assert {entry.reason for entry in trail if (entry.action, entry.to_version) == (Action.SHADOW, 3)} == {told}
    with closing(MlflowRest(world.settings.mlflow)) as mlflow:
        run = mlflow.run(found.run_id)
    tags = {item["key"]: item["value"] for item in run["data"]["tags"]}
    assert (tags["challenger"], tags["search"], tags["retraining"]) == ("search", told, str(record.retraining.id))


def test_each_state_was_told_as_an_alert_and_what_broke_as_a_warning(world: World) -> None:
    alerts = Alerts(get_engine(world.settings.model_meta_db), ())
    told = alerts.page(AlertFilter(detector="retraining"), 100).items
    severities = {alert.title.removeprefix("stock-US-LOOPED: "): alert.severity for alert in told}
    # An end may go untold when the process dies at that moment: nobody takes up what has ended.
    assert {
        "a new training begins": "info",
        "a challenger is being trained": "info",
        "version 3 forecasts in the shadow": "info",
        "version 3 did well in the shadow": "info",
        "version 3 serves, on probation": "info",
        "version 3 broke in its probation": "warning",
    }.items() <= severities.items()


def test_shadow_forecasts_are_recorded_and_are_no_predictions(world: World) -> None:
    client = partial(get_client, world.settings.clickhouse)
    rows = ShadowPredictions(client).newest(world.record().retraining.id)
    assert {version for _, version in rows} == {1, 3}
    assert set(rows.values()) == {DAYS[world.today]}
    assert Predictions(client).page(PredictionFilter(), 10).items == []


def test_shadow_forecasts_are_forgotten_once_their_retraining_has_long_ended(world: World) -> None:
    table, shadow = Retrainings(get_engine(world.settings.model_meta_db)), ShadowPredictions(world.clickhouse)
    ended, soon = world.record().retraining.id, wall_now() + timedelta(minutes=1)
    lately = table.not_ended_before(wall_now() - timedelta(hours=1))
    assert ended in lately
    shadow.delete_before(soon, lately)
    assert shadow.newest(ended) != {}
    # An open one keeps its forecasts however old they are.
    shadow.delete_before(soon, [ended])
    assert shadow.newest(ended) != {}
    shadow.delete_before(soon, table.not_ended_before(soon))
    assert shadow.newest(ended) == {}


def test_a_person_starts_approves_and_cancels_over_the_same_tables(world: World) -> None:
    own = desk(world.settings)
    begun = own.start(world.model, "ann", "by hand")
    world.step()
    ended = own.cancel(begun.id, "ann", "enough")
    assert ended.state is State.CANCELLED
    assert [step.event for step in own.records(world.model, 1)[0].steps] == [
        Event.BEGAN,
        Event.SUBMITTED,
        Event.CANCELLED,
    ]
    job = Jobs(get_engine(world.settings.model_meta_db), world.settings.jobs).get(ended.job_id)
    assert job is not None
    assert job.state == "cancelled"


def test_a_stored_policy_that_no_longer_makes_sense_is_an_alert_and_stops_nobody(world: World) -> None:
    engine = get_engine(world.settings.model_meta_db)
    own, other = desk(world.settings), Catalog(engine).create_definition(parse_spec({**SPEC, "horizon": 2}))
    own.set_policy(other.id, POLICY, "test")
    with engine.begin() as tx:
        broken = {"id": str(other.id), "what": '{"shadow_sessions": 9999}'}
        tx.execute(
            text("UPDATE retraining_policies SET policy = policy || CAST(:what AS jsonb) WHERE model_id = :id"), broken
        )
    assert world.loop.step(world.now).failed == 1
    (alert,) = Alerts(engine, ()).page(AlertFilter(detector="retraining_policy"), 10).items
    assert (alert.subject, alert.severity, alert.state) == (other.name, "warning", "firing")
    assert "shadow_sessions: Input should be less than or equal to 250" in alert.detail
    assert set(own.policies()) == {world.model, other.id}
    own.set_policy(other.id, POLICY, "test")
    assert world.loop.step(world.now).failed == 0
    (alert,) = Alerts(engine, ()).page(AlertFilter(detector="retraining_policy"), 10).items
    assert alert.state == "resolved"
