from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from stock_kit.events import Event, PredictionEvent
from stock_mlops.errors import HorizonError, NoDataError
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.instruments import Instrument
from stock_mlops.services.future import FuturePredictions
from stock_mlops.services.jobs import JobLostError, JobRun
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.jobs import Job, JobKind, JobState
from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.warehouse import FeatureVector

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle, MakeVector

CREATED = datetime(2026, 11, 21, 12, tzinfo=UTC)


def job(days: int, ticker: str = "AAPL") -> Job:
    return Job(
        id=UUID(int=7),
        kind=JobKind.PREDICT_FUTURE,
        state=JobState.RUNNING,
        payload={"exchange": "US", "ticker": ticker, "days": days},
        stage="",
        progress=0,
        partial=[],
        result=None,
        error=None,
        request_id=None,
        fence=1,
        attempts=1,
        worker="w",
        lease_until=None,
        created_at=CREATED,
        started_at=CREATED,
        finished_at=None,
    )


class JobTable:
    """The rows' heartbeat, which may find the job lost."""

    def __init__(self) -> None:
        self.partial: list[dict[str, Any]] = []
        self.progress: list[float] = []
        self.beats_left = 1000

    def heartbeat(
        self, job_id: UUID, fence: int, *, progress: float | None = None, stage: str | None = None, partial: Any = ()
    ) -> bool:
        self.beats_left -= 1
        if self.beats_left < 0:
            return False
        self.partial += partial
        self.progress += [] if progress is None else [progress]
        return True


class World:
    def __init__(self, vector: FeatureVector | None, model: ServedModel | None) -> None:
        self.vector = vector
        self.model = model
        self.state: AdaptiveState | None = None
        self.outbox: dict[str, OutboxRow] = {}
        self.sent: list[PredictionEvent] = []
        self.handler = FuturePredictions(
            read_vector=lambda _: self.vector,
            champion_of=lambda _: None if self.model is None else self.model.ref,
            load=self._load,
            state_of=lambda _: self.state,
            record=self,
            sender=self,
            max_days=60,
        )

    def _load(self, champion: Champion) -> ServedModel:
        assert self.model is not None
        return self.model

    def append(self, rows: Sequence[OutboxRow], connection: object = None) -> None:
        for row in rows:
            self.outbox.setdefault(row.id, row)

    def send(self, topic: str, event: Event) -> None:
        assert isinstance(event, PredictionEvent)
        assert str(event.prediction_id) in self.outbox, "an event left before its row was committed"
        self.sent.append(event)


def run_of(table: JobTable, the_job: Job) -> JobRun:
    return JobRun(table, the_job)  # type: ignore[arg-type]


@pytest.fixture
def world(make_vector: MakeVector, make_bundle: MakeBundle) -> World:
    ref = Champion(Instrument("US", "AAPL").registered_model, 3, "run3", "uri")
    return World(make_vector(), ServedModel(ref, make_bundle(horizon=12), slow=False))


def test_a_path_has_one_prediction_per_session_nearest_first(world: World) -> None:
    table = JobTable()
    result = world.handler.run(run_of(table, job(days=12))).result
    days = [item["target_session"] for item in result["predictions"]]
    assert days[:4] == ["2012-07-02", "2012-07-03", "2012-07-05", "2012-07-06"]
    assert [item["horizon"] for item in result["predictions"]] == list(range(1, 13))
    assert {item["origin"] for item in result["predictions"]} == {"job"}
    assert table.partial == result["predictions"]
    assert table.progress[-1] == 1
    assert len(table.progress) > 1  # it could be watched


def test_the_intervals_of_a_path_are_the_adapted_ones_and_never_narrow(world: World) -> None:
    plain = world.handler.run(run_of(JobTable(), job(days=12))).result["predictions"]
    start = AdaptiveState.start(12)
    scales = np.log(np.linspace(3.0, 1.5, 12))[:, np.newaxis] * np.ones(3)
    world.state = replace(start, log_scales=scales, through=date(2012, 6, 28))
    adapted = world.handler.run(run_of(JobTable(), job(days=12))).result["predictions"]
    assert {item["adapted_through"] for item in adapted} == {"2012-06-28"}
    widths = [np.log(item["upper"] / item["lower"]) for item in adapted]
    assert widths[0] == pytest.approx(3 * np.log(plain[0]["upper"] / plain[0]["lower"]))
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(widths))


def test_running_a_job_again_records_nothing_twice(world: World) -> None:
    first = world.handler.run(run_of(JobTable(), job(days=12))).result
    rows = dict(world.outbox)
    second = world.handler.run(run_of(JobTable(), job(days=12))).result
    assert world.outbox == rows
    assert first == second


def test_a_run_that_was_taken_over_stops(world: World) -> None:
    table = JobTable()
    table.beats_left = 1
    with pytest.raises(JobLostError):
        world.handler.run(run_of(table, job(days=12)))
    assert len(world.outbox) < 12


def test_without_a_model_the_random_walk_predicts_the_path(world: World) -> None:
    world.model = None
    result = world.handler.run(run_of(JobTable(), job(days=20))).result
    assert {item["predicted_close"] for item in result["predictions"]} == {100.0}
    assert all(item["fallback"] for item in result["predictions"])


def test_a_path_beyond_the_model_fails_before_anything_is_recorded(world: World) -> None:
    with pytest.raises(HorizonError):
        world.handler.run(run_of(JobTable(), job(days=13)))
    assert world.outbox == {}


def test_a_ticker_whose_data_are_gone_fails(world: World) -> None:
    world.vector = None
    with pytest.raises(NoDataError):
        world.handler.run(run_of(JobTable(), job(days=1)))


def test_jobs_do_not_share_prediction_ids(world: World) -> None:
    world.handler.run(run_of(JobTable(), job(days=1)))
    other = job(days=1)
    world.handler.run(run_of(JobTable(), Job(**{**_fields(other), "id": uuid4()})))
    assert len(world.outbox) == 2


def _fields(the_job: Job) -> dict[str, Any]:
    return {name: getattr(the_job, name) for name in Job.__slots__}


def test_the_first_session_is_the_one_after_the_newest(make_vector: MakeVector, world: World) -> None:
    world.vector = make_vector(date(2012, 12, 24))
    result = world.handler.run(run_of(JobTable(), job(days=2))).result
    assert [item["target_session"] for item in result["predictions"]] == ["2012-12-26", "2012-12-27"]
