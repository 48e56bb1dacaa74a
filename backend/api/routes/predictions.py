"""Predictions: one now, and the history of all."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from stock_mlops.errors import InvalidRequestError
from stock_mlops.instruments import Instrument
from stock_mlops.services.forecast_events import Origin
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.predictions import PredictionFilter, SettledPrediction
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy

from api.dependencies import Predict, PredictResources
from api.errors import problems
from api.schemas.predictions import (
    Accuracy,
    AccuracyList,
    AccuracyQuery,
    Prediction,
    PredictionPage,
    PredictionQuery,
    PredictRequest,
)

router = APIRouter(tags=["predictions"])


@router.post(
    "/api/predict/", response_model=Prediction, responses=problems(404, 409, 503), summary="Predict the next close"
)
async def predict(body: PredictRequest, request: Request) -> Response:
    """Forecast the close `horizon` sessions after the newest one with the ticker's champion, or with the random walk
    when no trained model serves it. The prediction is recorded before the answer is sent."""
    # Read from the request itself: resolving two dependencies costs as much CPU as the whole prediction.
    resources: PredictResources = request.state.resources
    origin = _origin(request.headers.get("x-prediction-origin"))
    event = await resources.predictor.predict(Instrument(body.exchange, body.ticker), body.horizon, origin)
    # The event's own JSON: validated when it was made, it needs no second validation on its way out.
    content = event.model_dump(mode="json", exclude={"inputs"}) | {"actual_close": None, "error_pct": None}
    return Response(orjson.dumps(content), media_type="application/json")


@router.get("/api/predict/", response_model=PredictionPage, responses=problems(503), summary="History of predictions")
def list_predictions(query: Annotated[PredictionQuery, Query()], resources: Predict) -> PredictionPage:
    """Newest first. A prediction appears within a second or so of its answer."""
    wanted = PredictionFilter(
        exchange=query.exchange,
        ticker=query.ticker,
        model=query.model,
        origin=query.origin,
        start=query.start,
        end=query.end,
    )
    cursor = None if query.cursor is None else Cursor.decode(query.cursor)
    page = resources.history.page(wanted, query.limit, cursor)
    return PredictionPage(
        items=[_prediction(item) for item in page.items],
        next_cursor=None if page.next_cursor is None else page.next_cursor.encode(),
    )


@router.get(
    "/api/predict/accuracy", response_model=AccuracyList, responses=problems(503), summary="How good predictions were"
)
def prediction_accuracy(query: Annotated[AccuracyQuery, Query()], resources: Predict) -> AccuracyList:
    """Predictions against the closes that they were made for, over the newest `window` settled sessions of every model
    version, ticker and horizon; what was settled last comes first. A prediction is settled when its session's close is
    loaded."""
    wanted = AccuracyFilter(query.exchange, query.ticker, query.model, query.horizon)
    rows = resources.accuracy.rolling(wanted, [query.window], query.limit)
    return AccuracyList(window=query.window, items=[_accuracy(row) for row in rows])


def _accuracy(row: RollingAccuracy) -> Accuracy:
    return Accuracy.model_validate({name: getattr(row, name) for name in Accuracy.model_fields})


def _prediction(item: SettledPrediction) -> Prediction:
    # The event was validated when it was read.
    return Prediction.model_construct(**dict(item.event), actual_close=item.actual_close, error_pct=item.error_pct)


def _origin(header: str | None) -> Origin:
    """The platform's own replay names itself; nobody else sends the header."""
    if header is None or header == "api":
        return "api"
    if header == "replay":
        return "replay"
    message = f"expected api or replay, got {header!r}"
    raise InvalidRequestError(message, errors=[{"field": "header.X-Prediction-Origin", "message": message}])
