from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from stock_kit.events import PredictionEvent
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.forecasting.explanation import Explanation
from stock_mlops.services.explaining import ExplainedPrediction
from stock_mlops.services.serving_metrics import PREDICTIONS
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.predictions import Page, PredictionFilter
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy

from .backstage import NOW, settled

if TYPE_CHECKING:
    from .backstage import Backstage

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/api/predict/", "/api/predict"])
async def test_a_prediction_is_its_event_with_what_became_of_it_still_open(
    predict: httpx.AsyncClient, path: str
) -> None:
    answer = await predict.post(path, json={"ticker": " aapl "})
    assert answer.status_code == 200
    body = answer.json()
    assert (body.pop("actual_close"), body.pop("error_pct")) == (None, None)
    assert set(body) == set(PredictionEvent.model_fields) - {"inputs"}
    assert PredictionEvent.model_validate(body).ticker == "AAPL"


async def test_the_replay_may_name_itself(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    await predict.post("/api/predict/", json={"ticker": "AAPL"}, headers={"X-Prediction-Origin": "replay"})
    await predict.post("/api/predict/", json={"ticker": "AAPL"})
    assert backstage.origins == ["replay", "api"]
    refused = await predict.post("/api/predict/", json={"ticker": "AAPL"}, headers={"X-Prediction-Origin": "job"})
    assert refused.status_code == 422


async def test_a_ticker_without_data_is_a_404(predict: httpx.AsyncClient) -> None:
    answer = await predict.post("/api/predict/", json={"ticker": "NOPE"})
    assert answer.status_code == 404
    assert "stock-mlops etl" in answer.json()["detail"]


@pytest.mark.parametrize("horizon", [0, -1, 251, 1.5, "x", None])
async def test_a_horizon_out_of_bounds_is_refused(predict: httpx.AsyncClient, horizon: Any) -> None:
    answer = await predict.post("/api/predict/", json={"ticker": "AAPL", "horizon": horizon})
    assert answer.status_code == 422


async def test_the_history_shows_outcome_and_cursor(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    item = settled()
    backstage.page_ = Page([item], Cursor(NOW, item.event.prediction_id))
    body = (await predict.get("/api/predict/")).json()
    assert body["items"][0]["actual_close"] == 100.0
    assert body["items"][0]["error_pct"] == pytest.approx(0.01)
    assert Cursor.decode(body["next_cursor"]) == backstage.page_.next_cursor


async def test_every_filter_reaches_the_store(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    query = (
        "ticker=aapl&exchange=us&model=stock-US-AAPL&origin=replay&start=2012-01-01&end=2012-12-31&limit=10"
        "&version=3&settled=true"
    )
    assert (await predict.get(f"/api/predict/?{query}")).status_code == 200
    assert backstage.filters == [
        PredictionFilter("US", "AAPL", "stock-US-AAPL", "replay", date(2012, 1, 1), date(2012, 12, 31), "3", True)
    ]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "start=2012-13-01",
        "cursor=x",
        "unknown=1",
        "exchange=MOON",
        "model=%00",
        "version=",
        "settled=maybe",
        "start=2012-02-02&end=2012-02-01",
    ],
)
async def test_a_wrong_query_is_a_422(predict: httpx.AsyncClient, query: str) -> None:
    assert (await predict.get(f"/api/predict/?{query}")).status_code == 422


async def test_the_newest_page_is_read_once_for_many_and_not_sent_to_who_has_it(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    backstage.page_ = Page([settled()])
    first = await predict.get("/api/predict/?limit=5")
    assert first.headers["Cache-Control"] == "private, no-cache"
    for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}", f'"other", {first.headers["ETag"]}', "*"):
        again = await predict.get("/api/predict/?limit=5", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    other = await predict.get("/api/predict/?limit=5", headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)
    assert len(backstage.filters) == 1
    await predict.get("/api/predict/?limit=6")
    assert len(backstage.filters) == 2


async def test_older_pages_are_read_each_time(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    cursor = Cursor(NOW, uuid4()).encode()
    for _ in range(2):
        assert (await predict.get(f"/api/predict/?cursor={cursor}")).status_code == 200
    assert len(backstage.filters) == 2


async def test_without_redis_the_page_is_read_each_time(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    backstage.cache.error = RedisConnectionError("refused")
    for _ in range(2):
        assert (await predict.get("/api/predict/")).status_code == 200
    assert len(backstage.filters) == 2


def predictions_counted(ticker: str) -> float:
    return sum(
        sample.value
        for metric in PREDICTIONS.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["ticker"] == ticker
    )


async def test_many_are_answered_each_with_its_prediction_or_its_problem(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    wanted = [{"ticker": "aapl"}, {"ticker": "2330", "exchange": "TW"}, {"ticker": "AAPL", "exchange": "US"}]
    counted = predictions_counted("AAPL")
    answer = await predict.post("/api/predict/bulk", json={"instruments": wanted, "horizon": 2})
    assert answer.status_code == 200
    assert predictions_counted("AAPL") == counted + 1
    body = answer.json()
    assert (body["predicted"], body["failed"]) == (1, 1)
    good, bad = body["items"]
    assert (good["problem"], good["prediction"]["horizon"], good["prediction"]["actual_close"]) == (None, 2, None)
    assert (bad["exchange"], bad["prediction"], bad["problem"]["status"]) == ("TW", None, 404)
    assert bad["problem"]["code"] == "no_data"


async def test_many_that_could_not_be_recorded_are_not_answered(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    backstage.unrecordable = DependencyUnavailableError("PostgreSQL", "no commit within 3 s")
    counted = predictions_counted("AAPL")
    answer = await predict.post("/api/predict/bulk", json={"instruments": [{"ticker": "AAPL"}]})
    assert answer.status_code == 503
    assert predictions_counted("AAPL") == counted
    assert answer.headers["Retry-After"]
    assert "PostgreSQL" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instruments": []},
        {"instruments": [{"ticker": "A"}] * 1001},
        {"instruments": [{"ticker": "A", "horizon": 1}]},
        {"instruments": ["AAPL"]},
        {"instruments": [{"ticker": "A"}], "horizon": 0},
    ],
)
async def test_a_wrong_bulk_request_is_a_422(predict: httpx.AsyncClient, body: Any) -> None:
    assert (await predict.post("/api/predict/bulk", json=body)).status_code == 422


async def test_a_prediction_shows_its_inputs_largest_contribution_first(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    prediction = settled(inputs=(0.1, 50.0))
    explanation = Explanation("linear", "log_return", 0.01, 0.02, (0.004, -0.006), additive=True)
    backstage.explained[prediction.event.prediction_id] = ExplainedPrediction(
        prediction, ("return_1", "rsi_14"), explanation
    )
    answer = await predict.get(f"/api/predict/{prediction.event.prediction_id}")
    body = answer.json()
    assert (body["actual_close"], body["unexplained"], "inputs" in body) == (100.0, None, False)
    assert body["explanation"] == {
        "method": "linear",
        "scale": "log_return",
        "base": 0.01,
        "output": 0.02,
        "additive": True,
        "features": [
            {"name": "rsi_14", "value": 50.0, "contribution": -0.006},
            {"name": "return_1", "value": 0.1, "contribution": 0.004},
        ],
    }


async def test_a_prediction_without_explanation_says_why(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    prediction = settled()
    backstage.explained[prediction.event.prediction_id] = ExplainedPrediction(prediction, missing="it was deleted")
    body = (await predict.get(f"/api/predict/{prediction.event.prediction_id}")).json()
    assert (body["explanation"], body["unexplained"]) == (None, "it was deleted")


async def test_an_unknown_prediction_is_a_404(predict: httpx.AsyncClient) -> None:
    assert (await predict.get(f"/api/predict/{uuid4()}")).status_code == 404
    assert (await predict.get("/api/predict/nonsense")).status_code == 404


async def test_accuracy_is_shown_as_it_was_measured(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    row = RollingAccuracy(
        exchange="US",
        ticker="AAPL",
        model_name="stock-US-AAPL",
        model_version="3",
        horizon=2,
        window=20,
        n=17,
        first_session=date(2012, 6, 1),
        last_session=date(2012, 6, 29),
        rmse=0.02,
        mae=0.015,
        bias=0.001,
        skill=-0.01,
        hit_rate=None,
        level=0.9,
        coverage=0.88,
        width=0.06,
    )
    backstage.accuracy_ = [row]
    answer = await predict.get("/api/predict/accuracy/?ticker=aapl&exchange=us&model=m&horizon=2&window=20&limit=5")
    assert answer.status_code == 200
    expected = asdict(row) | {"first_session": "2012-06-01", "last_session": "2012-06-29"}
    assert answer.json() == {"window": expected.pop("window"), "items": [expected]}
    assert backstage.accuracy_asked == [(AccuracyFilter("US", "AAPL", "m", 2), (20,), 5)]


@pytest.mark.parametrize("query", ["window=0", "window=2001", "horizon=0", "limit=501", "exchange=MOON", "windows=20"])
async def test_a_wrong_question_about_accuracy_is_a_422(predict: httpx.AsyncClient, query: str) -> None:
    assert (await predict.get(f"/api/predict/accuracy?{query}")).status_code == 422
