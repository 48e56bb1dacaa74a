from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import RFC_4122, UUID

import pytest
from stock_kit.events import PredictionEvent, Topic
from stock_mlops.errors import DependencyUnavailableError, HorizonError, NoDataError, UnusableVectorError
from stock_mlops.instruments import Instrument
from stock_mlops.services.bulk import new_ids
from stock_mlops.services.known_forecasts import Made
from stock_mlops.services.prediction import Predictor
from stock_mlops.services.serving import ServedModel
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.warehouse import FeatureVector

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle, MakeVector

pytestmark = pytest.mark.anyio

AAPL, IBM, GOOG, NOPE = (Instrument("US", ticker) for ticker in ("AAPL", "IBM", "GOOG", "NOPE"))


class Market:
    """Vectors and models by instrument, and what was recorded."""

    def __init__(self) -> None:
        self.vectors: dict[Instrument, FeatureVector] = {}
        self.models: dict[Instrument, ServedModel] = {}
        self.commits: list[tuple[OutboxRow, ...]] = []
        self.recorded: list[PredictionEvent] = []
        self.outage: Exception | None = None

    async def newest(self, instrument: Instrument) -> FeatureVector | None:
        return self.vectors.get(instrument)

    async def newest_many(self, instruments: Sequence[Instrument]) -> list[FeatureVector | None]:
        return [self.vectors.get(instrument) for instrument in instruments]

    async def model_for(self, instrument: Instrument) -> ServedModel | None:
        if self.outage is not None:
            raise self.outage
        return self.models.get(instrument)

    async def models_for(self, instruments: Sequence[Instrument]) -> list[ServedModel | None]:
        return [await self.model_for(instrument) for instrument in instruments]

    async def append(self, *rows: OutboxRow) -> None:
        self.commits.append(rows)
        for row in rows:
            event = PredictionEvent.model_validate_json(row.payload)
            assert (row.id, row.topic, row.key) == (str(event.prediction_id), Topic.PREDICTIONS, event.key)
            self.recorded.append(event)


@pytest.fixture
def market(make_vector: MakeVector, make_bundle: MakeBundle) -> Market:
    market = Market()
    market.vectors = {AAPL: make_vector(rsi_14=0.01), IBM: make_vector(rsi_14=0.02), GOOG: make_vector()}
    panel = ServedModel(Champion("stock-US-panel-tech", 2, "run2", "uri"), make_bundle())
    market.models = {AAPL: panel, IBM: panel}
    return market


@pytest.fixture
def predictor(market: Market) -> Predictor:
    return Predictor(market, market, market, max_days=60)


async def test_each_is_answered_as_if_it_had_been_asked_for_alone_and_all_share_one_commit(
    predictor: Predictor, market: Market
) -> None:
    many = await predictor.predict_bulk([AAPL, IBM, GOOG], 2)
    (commit,) = market.commits
    assert [PredictionEvent.model_validate_json(row.payload) for row in commit] == many == market.recorded
    for instrument, event in zip([AAPL, IBM, GOOG], many, strict=True):
        alone = (await predictor.predict(instrument, 2)).event
        assert isinstance(event, PredictionEvent)
        # Coefficients of a half: there is nothing to round.
        assert event == alone.model_copy(update={"prediction_id": event.prediction_id, "made_at": event.made_at})


async def test_those_asked_for_again_are_predicted_anew_beside_those_that_are_new(
    predictor: Predictor, market: Market
) -> None:
    first = await predictor.predict_bulk([AAPL, GOOG], 2)
    again = await predictor.predict_bulk([GOOG, IBM, AAPL, NOPE], 2)
    assert [answer.ticker for answer in again if isinstance(answer, PredictionEvent)] == ["GOOG", "IBM", "AAPL"]
    assert isinstance(again[3], NoDataError)
    for before, after in ((first[0], again[2]), (first[1], again[0])):
        assert isinstance(before, PredictionEvent)
        assert isinstance(after, PredictionEvent)
        assert after.prediction_id != before.prediction_id
        assert after == before.model_copy(update={"prediction_id": after.prediction_id, "made_at": after.made_at})
    assert market.recorded == [*first, *again[:3]]


async def test_one_that_fails_does_not_fail_the_others(
    predictor: Predictor, market: Market, make_vector: MakeVector
) -> None:
    market.vectors[IBM] = make_vector(rsi_14=None)
    unknown, unusable, fine = await predictor.predict_bulk([NOPE, IBM, AAPL], 1)
    assert isinstance(unknown, NoDataError)
    assert isinstance(unusable, UnusableVectorError)
    assert "rsi_14" in unusable.detail
    assert isinstance(fine, PredictionEvent)
    assert [len(commit) for commit in market.commits] == [1]


async def test_a_horizon_is_too_long_for_some_only(predictor: Predictor) -> None:
    too_long, fine = await predictor.predict_bulk([AAPL, GOOG], 20)
    assert isinstance(too_long, HorizonError)
    assert isinstance(fine, PredictionEvent)
    assert fine.fallback


async def test_one_without_prices_needs_no_model(predictor: Predictor, market: Market) -> None:
    del market.vectors[IBM]
    market.models[IBM] = ServedModel(Champion("stock-US-IBM", 1, "run", "uri"), None)  # type: ignore[arg-type]
    unknown, fine = await predictor.predict_bulk([IBM, AAPL], 1)
    assert isinstance(unknown, NoDataError)
    assert isinstance(fine, PredictionEvent)


async def test_a_server_that_is_down_fails_all_and_records_nothing(predictor: Predictor, market: Market) -> None:
    market.outage = DependencyUnavailableError("PostgreSQL", "down")
    with pytest.raises(DependencyUnavailableError):
        await predictor.predict_bulk([AAPL, NOPE], 1)
    assert (market.commits, market.recorded) == ([], [])


async def test_an_answer_can_be_put_together_while_they_are_recorded(
    predictor: Predictor, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed, append = asyncio.Event(), market.append

    async def slowly(*rows: OutboxRow) -> None:
        await flushed.wait()
        await append(*rows)

    monkeypatch.setattr(market, "append", slowly)
    bulk = await predictor.begin_bulk([AAPL, NOPE], 1)
    made, refused = bulk.answers
    assert isinstance(made, Made)
    assert isinstance(refused, NoDataError)
    assert market.recorded == []
    flushed.set()
    await bulk.recorded
    assert market.recorded == [made.event]


async def test_when_all_fail_there_is_nothing_to_commit(predictor: Predictor, market: Market) -> None:
    await predictor.predict_bulk([NOPE, NOPE], 1)
    assert market.commits == []


async def test_ids_are_random_uuids() -> None:
    ids = new_ids(500)
    known = [UUID(item) for item in ids]
    assert [str(item) for item in known] == ids
    assert len(set(known)) == 500
    assert {(item.version, item.variant) for item in known} == {(4, RFC_4122)}
