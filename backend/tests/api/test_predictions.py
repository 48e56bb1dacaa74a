from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
from stock_kit.events import PredictionEvent
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.jobs import JobKind, JobState
from stock_mlops.stores.predictions import Page, PredictionFilter
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy

from .conftest import NOW, make_event, settled

if TYPE_CHECKING:
    from .conftest import Backstage

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
    query = "ticker=aapl&exchange=us&model=stock-US-AAPL&origin=replay&start=2012-01-01&end=2012-12-31&limit=10"
    assert (await predict.get(f"/api/predict/?{query}")).status_code == 200
    assert backstage.filters == [
        PredictionFilter("US", "AAPL", "stock-US-AAPL", "replay", date(2012, 1, 1), date(2012, 12, 31))
    ]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=501", "limit=x", "start=2012-13-01", "cursor=x", "unknown=1", "exchange=MOON", "model=%00"],
)
async def test_a_wrong_query_is_a_422(predict: httpx.AsyncClient, query: str) -> None:
    assert (await predict.get(f"/api/predict/?{query}")).status_code == 422


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


async def test_a_path_of_days_becomes_a_job_that_can_be_followed(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    answer = await predict.post(
        "/api/predict/future/", json={"ticker": "AAPL", "days": 5}, headers={"X-Request-ID": "caller-0001"}
    )
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["Location"] == body["status_url"]
    (job,) = backstage.jobs.values()
    assert (job.kind, job.payload, job.request_id) == (
        JobKind.PREDICT_FUTURE,
        {"exchange": "US", "ticker": "AAPL", "days": 5},
        "caller-0001",
    )
    status = (await predict.get(body["status_url"])).json()
    assert (status["state"], status["result"]) == ("pending", None)
    partial = (await predict.get(body["partial_status_url"] + "/")).json()
    assert (partial["days_done"], partial["days_total"], partial["predictions"]) == (0, 5, [])


async def test_days_show_as_they_are_predicted_and_as_the_result(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    days = [make_event(horizon=step).model_dump(mode="json") for step in (1, 2)]
    payload = {"exchange": "US", "ticker": "AAPL", "days": 2}
    running = backstage.add_job(JobKind.PREDICT_FUTURE, payload, state=JobState.RUNNING, partial=days[:1], progress=0.5)
    done = backstage.add_job(
        JobKind.PREDICT_FUTURE, payload, state=JobState.COMPLETED, result={"predictions": days}, progress=1.0
    )
    partial = (await predict.get(f"/api/predict/future/partial_status/{running.id}")).json()
    assert (partial["days_done"], partial["progress"]) == (1, 0.5)
    status = (await predict.get(f"/api/predict/future/status/{done.id}")).json()
    assert [item["horizon"] for item in status["result"]["predictions"]] == [1, 2]


async def test_a_failed_job_tells_why_and_a_waiting_one_does_not_yet(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    payload = {"exchange": "US", "ticker": "AAPL", "days": 2}
    error = {"title": "No data", "detail": "load them", "code": "no_data"}
    failed = backstage.add_job(JobKind.PREDICT_FUTURE, payload, state=JobState.FAILED, error=error)
    waiting = backstage.add_job(JobKind.PREDICT_FUTURE, payload, state=JobState.PENDING, error=error)
    status = (await predict.get(f"/api/predict/future/status/{failed.id}")).json()
    assert status["error"] == {"title": "No data", "detail": "load them"}
    status = (await predict.get(f"/api/predict/future/status/{waiting.id}")).json()
    assert status["error"] is None


@pytest.mark.parametrize("kind", ["status", "partial_status"])
async def test_an_unknown_task_or_one_of_another_kind_is_a_404(
    predict: httpx.AsyncClient, backstage: Backstage, kind: str
) -> None:
    training = backstage.add_job(JobKind.TRAIN, {"model_id": "x"})
    for task in (uuid4(), training.id):
        assert (await predict.get(f"/api/predict/future/{kind}/{task}")).status_code == 404
    assert (await predict.get(f"/api/predict/future/{kind}/nonsense")).status_code == 422
