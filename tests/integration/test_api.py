"""The two backends over the real servers: predictions that are recorded, listed, settled; paths of days; refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.instruments import Instrument
from stock_mlops.stores.outbox import Outbox
from stock_mlops.stores.postgres import get_engine

from tests.integration.support import load_prices, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

# Of these tests' own, so that nobody else trains or replays it.
TICKER = Instrument("US", "SRVTEST")
FRIDAY, MONDAY = date(2024, 6, 14), date(2024, 6, 17)


@pytest.fixture(scope="module")
def serving(local_stack: LocalStack) -> LocalStack:
    local_stack.require("backend1", "backend2", "celery_predict", "ws_monitor")
    return local_stack


@pytest.fixture(scope="module")
def predict(serving: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serving.settings.backend2.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def train(serving: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serving.settings.backend1.url, timeout=30) as client:
        yield client


def load(settings: Settings, until: date) -> None:
    """Prices from 2023 to ``until``."""
    load_prices(settings, TICKER, date(2023, 1, 3), until)


@pytest.fixture(scope="module")
def loaded(serving: LocalStack) -> None:
    load(serving.settings, FRIDAY)


def ask(predict: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = predict.post("/api/predict/", json={"ticker": TICKER.ticker, **body})
    assert answer.status_code == 200, answer.text
    prediction: dict[str, Any] = answer.json()
    return prediction


def listed(predict: httpx.Client, prediction_id: str) -> list[dict[str, Any]]:
    items = predict.get("/api/predict/", params={"ticker": TICKER.ticker, "limit": 500}).json()["items"]
    return [item for item in items if item["prediction_id"] == prediction_id]


@pytest.mark.usefixtures("loaded")
def test_a_prediction_is_listed_once_settled_by_the_next_load_and_leaves_the_outbox(
    predict: httpx.Client, serving: LocalStack
) -> None:
    made = ask(predict)
    assert (made["as_of"], made["target_session"], made["fallback"]) == (str(FRIDAY), str(MONDAY), True)
    wait_for(lambda: len(listed(predict, made["prediction_id"])) == 1, seconds=30, what="the prediction in the list")
    (item,) = listed(predict, made["prediction_id"])
    assert item == made

    load(serving.settings, MONDAY)
    (item,) = listed(predict, made["prediction_id"])
    assert item["actual_close"] is not None
    assert item["error_pct"] == pytest.approx(made["predicted_close"] / item["actual_close"] - 1)
    assert ask(predict)["as_of"] == str(MONDAY)  # the cached vector went with the load

    outbox = Outbox(get_engine(serving.settings.model_meta_db))
    wait_for(lambda: outbox.load().size == 0, seconds=30, what="an empty outbox")


@pytest.mark.usefixtures("loaded")
def test_a_path_of_days_is_predicted_by_a_worker_and_recorded(predict: httpx.Client) -> None:
    accepted = predict.post("/api/predict/future", json={"ticker": TICKER.ticker, "days": 12})
    assert accepted.status_code == 202
    urls = accepted.json()
    wait_for(
        lambda: predict.get(urls["status_url"]).json()["state"] == "completed", seconds=60, what="the path of days"
    )
    status = predict.get(urls["status_url"]).json()
    partial = predict.get(urls["partial_status_url"]).json()
    assert partial["predictions"] == status["result"]["predictions"]
    assert [item["horizon"] for item in partial["predictions"]] == list(range(1, 13))
    assert {item["job_id"] for item in partial["predictions"]} == {urls["task_id"]}
    last = partial["predictions"][-1]["prediction_id"]
    wait_for(lambda: len(listed(predict, last)) == 1, seconds=30, what="the last day in the list")


@pytest.mark.usefixtures("loaded")
def test_datasets_and_prices_show_what_was_loaded(train: httpx.Client) -> None:
    items = train.get("/api/datasets/").json()["items"]
    (dataset,) = [item for item in items if item["ticker"] == TICKER.ticker]
    assert dataset["first_session"] == "2023-01-03"
    assert not dataset["fresh"]
    bars = train.get(f"/api/datasets/US/{TICKER.ticker}/prices", params={"end": str(FRIDAY), "limit": 3}).json()
    assert [bar["session"] for bar in bars["items"]] == ["2024-06-12", "2024-06-13", "2024-06-14"]


def test_both_backends_say_that_they_are_ready(predict: httpx.Client, train: httpx.Client) -> None:
    for client in (predict, train):
        wait_for(lambda client=client: client.get("/ready").status_code == 200, seconds=30, what="readiness")


@pytest.mark.usefixtures("loaded")
def test_predictions_are_counted_by_ticker_and_model_version(predict: httpx.Client) -> None:
    ask(predict)
    text = predict.get("/metrics").text
    assert (
        f'stock_predictions_total{{exchange="US",model_version="random_walk",origin="api",ticker="{TICKER.ticker}"}}'
        in text
    )
    assert "stock_outbox_rows " in text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/predict/", {"ticker": "NODATA"}, 404),
        ("POST", "/api/predict/", {"ticker": TICKER.ticker, "horizon": 61}, 422),
        ("POST", "/api/predict/future/", {"ticker": "NODATA", "days": 3}, 404),
        ("POST", "/api/predict/future/", {"ticker": TICKER.ticker, "days": 61}, 422),
        ("GET", "/api/predict/?start=1900-01-01&end=2299-12-31", None, 200),
        ("GET", "/api/predict/?model=%F0%9F%98%80'%22%5C", None, 200),
    ],
)
@pytest.mark.usefixtures("loaded")
def test_odd_requests_get_their_status(
    predict: httpx.Client, method: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    answer = predict.request(method, path, json=body)
    assert answer.status_code == status, answer.text


def test_the_command_line_predicts(serving: LocalStack, loaded: None) -> None:
    one = serving.cli("predict", TICKER.ticker)
    assert one.returncode == 0, one.stderr
    assert "random_walk" in one.stdout
    path = serving.cli("predict", TICKER.ticker.lower(), "--days", "3")
    assert path.returncode == 0, path.stderr
    assert path.stdout.count("%") >= 3
    unknown = serving.cli("predict", "NODATA")
    assert unknown.returncode == 1
    assert "stock-mlops etl" in unknown.stderr
