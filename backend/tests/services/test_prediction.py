from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pytest
from stock_kit.events import PredictionEvent, Topic
from stock_mlops.errors import (
    DependencyUnavailableError,
    HorizonError,
    NoDataError,
    UnusableVectorError,
)
from stock_mlops.instruments import Instrument
from stock_mlops.services.prediction import Predictor
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.warehouse import FeatureVector

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle, MakeVector

pytestmark = pytest.mark.anyio

AAPL = Instrument("US", "AAPL")


class World:
    """Everything a prediction asks for, and what it did."""

    def __init__(self) -> None:
        self.vector: FeatureVector | None = None
        self.model: ServedModel | None = None
        self.rows: list[OutboxRow] = []
        self.commits = 0
        self.recorded: list[PredictionEvent] = []
        self.record_error: Exception | None = None

    async def newest(self, instrument: Instrument) -> FeatureVector | None:
        return self.vector

    async def newest_many(self, instruments: Sequence[Instrument]) -> list[FeatureVector | None]:
        return [self.vector for _ in instruments]

    async def model_for(self, instrument: Instrument) -> ServedModel | None:
        return self.model

    async def models_for(self, instruments: Sequence[Instrument]) -> list[ServedModel | None]:
        return [self.model for _ in instruments]

    async def append(self, *rows: OutboxRow) -> None:
        if self.record_error is not None:
            raise self.record_error
        self.rows += rows
        for row in rows:
            event = PredictionEvent.model_validate_json(row.payload)
            assert (row.id, row.topic, row.key) == (str(event.prediction_id), Topic.PREDICTIONS, event.key)
            self.recorded.append(event)
        self.commits += 1


@pytest.fixture
def world(make_vector: MakeVector, make_bundle: MakeBundle) -> World:
    world = World()
    world.vector = make_vector()
    world.model = ServedModel(Champion(AAPL.registered_model, 3, "run3", "uri"), make_bundle(), slow=False)
    return world


@pytest.fixture
def predictor(world: World) -> Predictor:
    return Predictor(world, world, world, max_days=60)


async def test_a_prediction_names_its_sessions_model_and_data(predictor: Predictor, world: World) -> None:
    event = (await predictor.predict(AAPL, 3)).event
    # 2012-06-29 is a Friday and the Fourth of July a holiday.
    assert (event.as_of, event.target_session) == (date(2012, 6, 29), date(2012, 7, 5))
    assert event.predicted_return == pytest.approx(0.03)
    assert event.predicted_close == pytest.approx(100 * math.exp(0.03))
    assert event.lower is not None
    assert event.upper is not None
    assert event.lower < event.predicted_close < event.upper
    assert (event.model_name, event.model_version, event.run_id) == ("stock-US-AAPL", "3", "run3")
    assert (event.feature_version, event.data_version, event.fallback) == ("1-test", "v1", False)


async def test_the_event_that_was_recorded_is_the_one_answered(predictor: Predictor, world: World) -> None:
    event = (await predictor.predict(AAPL, 1, "replay")).event
    assert world.recorded == [event]
    assert PredictionEvent.model_validate_json(world.rows[0].payload) == event
    assert (world.rows[0].id, world.rows[0].key) == (str(event.prediction_id), "US:AAPL")
    assert event.origin == "replay"


async def test_what_is_asked_again_is_another_prediction_of_the_same_forecast(
    predictor: Predictor, world: World, make_vector: MakeVector
) -> None:
    one, two = [(await predictor.predict(AAPL, 3)).event for _ in range(2)]
    assert two == one.model_copy(update={"prediction_id": two.prediction_id, "made_at": two.made_at})
    assert one.prediction_id != two.prediction_id
    assert one.made_at < two.made_at
    assert world.recorded == [one, two]
    world.vector = make_vector(session=date(2012, 7, 2), rsi_14=0.05)
    three = (await predictor.predict(AAPL, 3)).event
    assert three.as_of == date(2012, 7, 2)
    assert three.predicted_return != two.predicted_return


async def test_what_could_not_be_recorded_is_not_sent(predictor: Predictor, world: World) -> None:
    world.record_error = DependencyUnavailableError("PostgreSQL", "down")
    with pytest.raises(DependencyUnavailableError):
        await predictor.predict(AAPL, 1)
    assert world.recorded == []


async def test_a_slow_model_gives_the_same_answer_from_a_thread(
    predictor: Predictor, world: World, make_bundle: MakeBundle
) -> None:
    quick = (await predictor.predict(AAPL, 2)).event
    world.model = ServedModel(Champion(AAPL.registered_model, 3, "run3", "uri"), make_bundle(), slow=True)
    slow = (await predictor.predict(AAPL, 2)).event
    assert slow.predicted_close == quick.predicted_close


async def test_without_a_model_the_random_walk_answers_and_says_so(predictor: Predictor, world: World) -> None:
    world.model = None
    event = (await predictor.predict(AAPL, 60)).event
    assert (event.model_name, event.model_version, event.fallback) == ("random_walk", None, True)
    assert event.predicted_close == event.last_close
    assert event.lower is None


async def test_a_horizon_beyond_the_model_says_how_far_it_reaches(predictor: Predictor) -> None:
    with pytest.raises(HorizonError, match=r"1 to 5 sessions.*version 3 of stock-US-AAPL.*got 6"):
        await predictor.predict(AAPL, 6)


async def test_without_a_model_the_horizon_has_a_bound_too(predictor: Predictor, world: World) -> None:
    world.model = None
    with pytest.raises(HorizonError, match="1 to 60"):
        await predictor.predict(AAPL, 61)


async def test_a_ticker_without_data_says_how_to_load_it(predictor: Predictor, world: World) -> None:
    world.vector = None
    with pytest.raises(NoDataError, match="stock-mlops etl --source yfinance --ticker AAPL --exchange US"):
        await predictor.predict(AAPL, 1)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
async def test_a_missing_feature_is_named(
    predictor: Predictor, world: World, make_vector: MakeVector, value: float | None
) -> None:
    world.vector = make_vector(rsi_14=value)
    with pytest.raises(UnusableVectorError, match="rsi_14"):
        await predictor.predict(AAPL, 1)
    assert world.rows == []


@pytest.mark.parametrize("value", [5000.0, -5000.0])
async def test_a_forecast_beyond_all_numbers_is_refused(
    predictor: Predictor, world: World, make_vector: MakeVector, value: float
) -> None:
    world.vector = make_vector(rsi_14=value)
    with pytest.raises(UnusableVectorError, match="finite forecast"):
        await predictor.predict(AAPL, 1)


async def test_a_path_is_checked_before_it_becomes_a_job(predictor: Predictor, world: World) -> None:
    await predictor.check_path(AAPL, 5)
    with pytest.raises(HorizonError):
        await predictor.check_path(AAPL, 6)
    world.vector = None
    with pytest.raises(NoDataError):
        await predictor.check_path(AAPL, 1)
