from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from stock_kit.events import PredictionEvent
from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.services.explaining import Explainer
from stock_mlops.stores.catalog import Champion
from stock_mlops.stores.predictions import SettledPrediction

from backend.tests.api.backstage import make_event

if TYPE_CHECKING:
    from backend.tests.conftest import MakeBundle


class Stores:
    def __init__(self, bundle: ForecastBundle) -> None:
        self.stored: dict[UUID, PredictionEvent] = {}
        self.pending: dict[UUID, PredictionEvent] = {}
        self.known = True
        self.bundle = bundle
        self.loads = 0

    def one(self, prediction_id: UUID) -> PredictionEvent | None:
        return self.stored.get(prediction_id)

    def settle(self, events: Sequence[PredictionEvent]) -> list[SettledPrediction]:
        return [SettledPrediction(event, 102.0, -0.01) for event in events]

    def payload(self, event_id: UUID) -> str | None:
        return self.pending[event_id].model_dump_json() if event_id in self.pending else None

    def version(self, name: str, version: int) -> Champion | None:
        return Champion(name, version, "run", "uri") if self.known else None

    def load(self, ref: Champion) -> ForecastBundle:
        self.loads += 1
        return self.bundle

    def add(self, **values: Any) -> UUID:
        event = make_event(**{"inputs": (1.0, 2.0), **values})
        self.stored[event.prediction_id] = event
        return event.prediction_id


@pytest.fixture
def stores(make_bundle: MakeBundle) -> Stores:
    return Stores(make_bundle())


@pytest.fixture
def explainer(stores: Stores) -> Explainer:
    return Explainer(stores, stores, stores.version, stores.load)


def test_a_prediction_is_explained_by_the_version_that_made_it_with_its_own_inputs(
    explainer: Explainer, stores: Stores
) -> None:
    found = explainer.explain(stores.add(horizon=2))
    assert found.features == ("return_1", "rsi_14")
    assert found.prediction.actual_close == 102.0
    assert found.explanation is not None
    # Coefficients of a half, medians of zero, a drift of two sessions.
    assert found.explanation.contributions == pytest.approx((0.5, 1.0))
    assert found.explanation.base == pytest.approx(0.02)
    assert found.missing is None


def test_a_prediction_that_is_still_on_its_way_is_found_too(explainer: Explainer, stores: Stores) -> None:
    prediction_id = stores.add()
    stores.pending[prediction_id] = stores.stored.pop(prediction_id)
    assert explainer.explain(prediction_id).prediction.event == stores.pending[prediction_id]


def test_a_version_is_loaded_once_for_many_predictions(explainer: Explainer, stores: Stores) -> None:
    for _ in range(3):
        explainer.explain(stores.add())
    explainer.explain(stores.add(model_version="4"))
    assert stores.loads == 2


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"model_name": "random_walk", "model_version": None, "fallback": True, "inputs": ()}, "random walk"),
        ({"inputs": ()}, "not recorded"),
    ],
)
def test_what_cannot_be_explained_says_why(
    explainer: Explainer, stores: Stores, values: dict[str, Any], why: str
) -> None:
    found = explainer.explain(stores.add(**values))
    assert found.explanation is None
    assert why in (found.missing or "")


def test_a_deleted_version_is_named(explainer: Explainer, stores: Stores) -> None:
    stores.known = False
    assert explainer.explain(stores.add()).missing == "version 3 of stock-US-AAPL was deleted"


def test_an_unknown_prediction_is_not_found(explainer: Explainer) -> None:
    with pytest.raises(NotFoundError, match="GET /api/predict/"):
        explainer.explain(uuid4())
