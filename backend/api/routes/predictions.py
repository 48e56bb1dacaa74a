"""Predictions: one now, many now, the history of all, and one of them explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.background import BackgroundTask
from stock_mlops.errors import InvalidRequestError, StockMlopsError
from stock_mlops.forecasting.explanation import Explanation
from stock_mlops.instruments import Instrument, instrument_of
from stock_mlops.services.explaining import ExplainedPrediction
from stock_mlops.services.forecast_events import Origin
from stock_mlops.services.known_forecasts import Made
from stock_mlops.services.prediction import count
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.predictions import Page, PredictionFilter, SettledPrediction
from stock_mlops.stores.read_cache import EVERYTHING
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy

from api.caching import NOT_MODIFIED, tagged
from api.dependencies import Predict, PredictResources
from api.errors import problems
from api.quick import QuickRoute
from api.schemas.predictions import (
    Accuracy,
    AccuracyList,
    AccuracyQuery,
    BulkAnswer,
    BulkProblem,
    BulkRequest,
    Prediction,
    PredictionDetail,
    PredictionPage,
    PredictionQuery,
    PredictRequest,
)

router = APIRouter(tags=["predictions"])
# Those that come by the thousand.
quick = APIRouter(tags=["predictions"], route_class=QuickRoute)

# Nobody tells when the sink has stored predictions, so a page of the newest ones is kept no longer than they may take
# to appear. A load, which settles some, ends it at once.
_NEWEST = timedelta(seconds=1)


@quick.post(
    "/api/predict/", response_model=Prediction, responses=problems(404, 409, 413, 503), summary="Predict the next close"
)
async def predict(body: PredictRequest, request: Request) -> Response:
    """Forecast the close `horizon` sessions after the newest one with the ticker's champion, or with the random walk
    when no trained model serves it. The prediction is recorded before the answer is sent."""
    # Read from the request itself: resolving two dependencies costs as much CPU as the whole prediction.
    resources: PredictResources = request.state.resources
    origin = _origin(request.headers.get("x-prediction-origin"))
    made = await resources.predictor.predict(instrument_of(body.exchange, body.ticker), body.horizon, origin)
    return Response(_unsettled(made), media_type="application/json")


@quick.post(
    "/api/predict/bulk", response_model=BulkAnswer, responses=problems(413, 503), summary="Predict many tickers"
)
async def predict_bulk(body: BulkRequest, request: Request) -> Response:
    """Up to 1,000 tickers at one horizon, each with its prediction or its problem. The predictions are recorded
    together before the answer is sent. A ticker that comes twice is predicted once."""
    resources: PredictResources = request.state.resources
    origin = _origin(request.headers.get("x-prediction-origin"))
    asked = [instrument_of(item.exchange, item.ticker) for item in body.instruments]
    instruments = list({item.key: item for item in asked}.values())
    bulk = await resources.predictor.begin_bulk(instruments, body.horizon, origin)
    content, recorded, tallies = _bulk_content(instruments, bulk.answers), bulk.recorded, bulk.tallies
    del bulk  # thousands of objects, freed while one waits anyway
    await recorded
    return Response(content, media_type="application/json", background=BackgroundTask(count, tallies))


@router.get(
    "/api/predict/",
    response_model=PredictionPage,
    responses={**problems(503), **NOT_MODIFIED},
    summary="History of predictions",
)
def list_predictions(query: Annotated[PredictionQuery, Query()], request: Request, resources: Predict) -> Response:
    """Newest first, with the actual close once it is known. A prediction appears within a second or so of its
    answer."""
    cursor = None if query.cursor is None else Cursor.decode(query.cursor)

    def make() -> bytes:
        return _page(resources.history.page(_filter(query), query.limit, cursor))

    if cursor is not None:
        return tagged(request, make())
    return tagged(request, resources.reads.fetch(EVERYTHING, f"predictions:{query.model_dump_json()}", make, _NEWEST))


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


@router.get(
    "/api/predict/{prediction_id:uuid}",
    response_model=PredictionDetail,
    responses={**problems(404, 503), **NOT_MODIFIED},
    summary="One prediction, its inputs and what each contributed",
)
def get_prediction(prediction_id: UUID, request: Request, resources: Predict) -> Response:
    """Explained by the model version that made it, from the inputs that were recorded with it."""
    found = resources.explainer.explain(prediction_id)
    content = {
        **_prediction(found.prediction),
        "explanation": None if found.explanation is None else _explanation(found.explanation, found),
        "unexplained": found.missing,
    }
    return tagged(request, _json(content))


def _explanation(explanation: Explanation, found: ExplainedPrediction) -> dict[str, Any]:
    named = list(zip(found.features, found.prediction.event.inputs, explanation.contributions, strict=True))
    named.sort(key=lambda item: -abs(item[2]))
    features = [{"name": name, "value": value, "contribution": share} for name, value, share in named]
    shown = ("method", "scale", "base", "output", "additive")
    return {**{name: getattr(explanation, name) for name in shown}, "features": features}


def _filter(query: PredictionQuery) -> PredictionFilter:
    return PredictionFilter(**query.model_dump(exclude={"limit", "cursor"}))


def _page(page: Page) -> bytes:
    return _json(
        {
            "items": [_prediction(item) for item in page.items],
            "next_cursor": None if page.next_cursor is None else page.next_cursor.encode(),
        }
    )


def _bulk_content(instruments: Sequence[Instrument], answers: Sequence[Made | StockMlopsError]) -> bytes:
    items = [_bulk_item(*pair) for pair in zip(instruments, answers, strict=True)]
    predicted = sum(isinstance(answer, Made) for answer in answers)
    return f'{{"predicted":{predicted},"failed":{len(items) - predicted},"items":[{",".join(items)}]}}'.encode()


def _bulk_item(instrument: Instrument, answer: Made | StockMlopsError) -> str:
    # Neither markets nor tickers have characters that JSON escapes.
    item = f'{{"exchange":"{instrument.exchange}","ticker":"{instrument.ticker}"'
    if isinstance(answer, StockMlopsError):
        problem = {name: getattr(answer, name) for name in BulkProblem.model_fields}
        return f'{item},"prediction":null,"problem":{_json(problem).decode()}}}'
    return f'{item},"prediction":{_unsettled(answer)},"problem":null}}'


def _unsettled(made: Made) -> str:
    """As :func:`_prediction`; its JSON was made for the record already."""
    return f'{made.shown[:-1]},"actual_close":null,"error_pct":null}}'


def _prediction(item: SettledPrediction) -> dict[str, Any]:
    """The event's own values: validated when it was made or read, they need no second validation on their way out."""
    content = {**vars(item.event), "actual_close": item.actual_close, "error_pct": item.error_pct}
    del content["inputs"]
    return content


def _json(content: object) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def _origin(header: str | None) -> Origin:
    """The platform's own replay names itself; nobody else sends the header."""
    if header is None or header == "api":
        return "api"
    if header == "replay":
        return "replay"
    message = f"expected api or replay, got {header!r}"
    raise InvalidRequestError(message, errors=[{"field": "header.X-Prediction-Origin", "message": message}])
