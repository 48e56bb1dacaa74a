"""Datasets and predictions through the API, over the real servers: files, formats, caches, explanations, streams, and
what is refused."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import polars as pl
import pytest
from stock_local.testing import LocalStack
from stock_mlops.instruments import sessions_of

from tests.integration.support import make_champion, predict, train, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TICKER = "ROUTES"
URL = f"/api/datasets/US/{TICKER}"
DAYS = sessions_of("US").between(date(2021, 1, 4), date(2024, 6, 14))
SPLIT = DAYS[400]
GAP = DAYS[500]
MONDAY = date(2024, 6, 17)


def csv_of(days: list[date]) -> bytes:
    """Closes that fall to a half in the session of a 2:1 split; one session is missing, one row has no close."""
    walk = random.Random(11)
    lines, close = ["Date,Open,High,Low,Close,Volume,Dividends,Stock Splits"], 100.0
    for day in days:
        if day == SPLIT:
            close /= 2
        opened, close = close, close * math.exp(walk.gauss(0.0003, 0.01))
        high, low = max(opened, close) * 1.001, min(opened, close) * 0.999
        shown = "" if day == DAYS[600] else f"{close:.6f}"
        if day != GAP:
            lines.append(f"{day},{opened:.6f},{high:.6f},{low:.6f},{shown},1000,0,{2 if day == SPLIT else 0}")
    return "\n".join(lines).encode()


@pytest.fixture(scope="module")
def serving(local_stack: LocalStack) -> LocalStack:
    workers = ("workflows", "celery_train", "celery_predict", "ws_monitor")
    local_stack.require("nginx", "backend1", "backend2", "mlflow", *workers)
    return local_stack


@pytest.fixture(scope="module")
def api(serving: LocalStack) -> Iterator[httpx.Client]:
    """Through nginx, as everybody."""
    with httpx.Client(base_url=serving.url, timeout=30) as client:
        yield client


def upload(api: httpx.Client, content: bytes, **fields: str) -> httpx.Response:
    return api.post("/api/datasets/upload", files={"file": ("mine.csv", content)}, data={"ticker": TICKER, **fields})


def loaded_by(api: httpx.Client, accepted: httpx.Response) -> dict[str, Any]:
    """The run that was accepted, when it has ended."""
    assert accepted.status_code == 202, accepted.text
    url = accepted.headers["Location"]
    wait_for(
        lambda: api.get(url).json()["state"] in {"completed", "failed", "cancelled"}, seconds=90, what="the ETL run"
    )
    run: dict[str, Any] = api.get(url).json()
    return run


@pytest.fixture(scope="module")
def loaded(api: httpx.Client) -> dict[str, Any]:
    run = loaded_by(api, upload(api, csv_of(DAYS)))
    assert run["state"] == "completed", run
    return run


@pytest.fixture(scope="module")
def model(serving: LocalStack, loaded: dict[str, Any]) -> dict[str, Any]:
    params = {"n_estimators": 20, "patience": None}
    done = train(serving, ticker=TICKER, model_type="lightgbm", horizon=5, params=params)
    make_champion(serving, done["result"])
    result: dict[str, Any] = done["result"]
    wait_for(lambda: not predict(serving, ticker=TICKER)["fallback"], seconds=30, what="the new model serving")
    return result


def test_an_uploaded_file_is_loaded_and_reported_ticker_by_ticker(api: httpx.Client, loaded: dict[str, Any]) -> None:
    (ticker,) = loaded["tickers"]
    assert (loaded["source"], loaded["tickers_total"], loaded["error"]) == ("file", 1, None)
    assert (ticker["ticker"], ticker["new"], ticker["rejected"], ticker["missing_sessions"]) == (
        TICKER,
        len(DAYS) - 2,
        1,
        2,
    )
    assert ticker["rejections"][0]["reason"] == "close is missing"
    assert loaded["run_id"] in [item["run_id"] for item in api.get("/api/datasets/etl").json()["items"]]


def test_a_row_that_cannot_be_read_is_named_and_nothing_is_loaded(api: httpx.Client) -> None:
    answer = upload(api, b"date,close\n2024-01-02,10\n2024-01-03,much\n")
    assert answer.status_code == 422
    assert [item["field"] for item in answer.json()["errors"]] == ["row 3"]


@pytest.mark.usefixtures("loaded")
def test_the_list_tells_of_quality_and_the_report_of_each_gap(api: httpx.Client) -> None:
    (item,) = [item for item in api.get("/api/datasets").json()["items"] if item["ticker"] == TICKER]
    assert (item["rows"], item["sessions_missing"], item["rows_refused"]) == (len(DAYS) - 2, 2, 1)
    report = api.get(f"{URL}/quality").json()
    assert report["missing"] == sorted([str(GAP), str(DAYS[600])], reverse=True)
    assert [(row["reason"], row["session"]) for row in report["refused"]] == [("close is missing", str(DAYS[600]))]


@pytest.mark.usefixtures("loaded")
def test_all_formats_hold_the_same_prices_adjusted_and_as_traded(api: httpx.Client) -> None:
    bars = api.get(f"{URL}/prices", params={"limit": 20000}).json()["items"]
    traded = api.get(f"{URL}/prices", params={"limit": 20000, "adjusted": "false"}).json()["items"]
    before = [bar["session"] for bar in bars].index(str(SPLIT)) - 1
    assert bars[before]["close"] == pytest.approx(traded[before]["close"] / 2)
    assert bars[-1]["close"] == pytest.approx(traded[-1]["close"])
    closes = [bar["close"] for bar in bars]
    readers = {"csv": pl.read_csv, "arrow": pl.read_ipc, "parquet": pl.read_parquet}
    for form, read in readers.items():
        answer = api.get(f"{URL}/prices", params={"limit": 20000, "format": form, "columns": ["session", "close"]})
        frame = read(io.BytesIO(answer.content))  # type: ignore[operator]
        assert frame["close"].to_list() == pytest.approx(closes)
    thin = api.get(f"{URL}/prices", params={"limit": 20000, "points": 50}).json()["items"]
    assert len(thin) == 50
    assert all(bar in bars for bar in thin)
    candles = api.get(f"{URL}/prices", params={"limit": 20000, "points": 50, "downsample": "ohlc"}).json()["items"]
    assert max(bar["high"] for bar in candles) == max(bar["high"] for bar in bars)


@pytest.mark.usefixtures("loaded")
def test_features_come_with_the_sessions_that_they_are_of(api: httpx.Client) -> None:
    body = api.get(f"{URL}/features", params={"names": ["return_1", "rsi_14"], "start": str(DAYS[-5])}).json()
    assert body["sessions"] == [str(day) for day in DAYS[-5:]]
    bars = api.get(f"{URL}/prices", params={"limit": 2}).json()["items"]
    assert body["features"]["return_1"][-1] == pytest.approx(math.log(bars[1]["close"] / bars[0]["close"]))
    unknown = api.get(f"{URL}/features", params={"names": "colour"})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "query.names")


def test_a_forecast_is_explained_by_contributions_that_sum_to_it(
    api: httpx.Client, serving: LocalStack, model: dict[str, Any]
) -> None:
    made = predict(serving, ticker=TICKER, horizon=3)
    # At once, before ClickHouse has it.
    detail = api.get(f"/api/predict/{made['prediction_id']}").json()
    explanation = detail["explanation"]
    assert (explanation["method"], explanation["additive"]) == ("tree_shap", True)
    total = explanation["base"] + sum(item["contribution"] for item in explanation["features"])
    assert total == pytest.approx(made["predicted_return"], abs=1e-12)
    newest = api.get(f"{URL}/features", params={"names": [explanation["features"][0]["name"]], "limit": 1}).json()
    assert next(iter(newest["features"].values()))[-1] == explanation["features"][0]["value"]
    assert api.get(f"/api/predict/{uuid4()}").status_code == 404


@pytest.mark.usefixtures("model")
def test_many_tickers_are_predicted_in_one_call(api: httpx.Client, serving: LocalStack) -> None:
    wanted = [{"ticker": TICKER}, {"ticker": "NODATA"}]
    body = api.post("/api/predict/bulk", json={"instruments": wanted, "horizon": 2}).json()
    assert (body["predicted"], body["failed"]) == (1, 1)
    made, missing = body["items"]
    assert missing["problem"]["status"] == 404
    alone = predict(serving, ticker=TICKER, horizon=2)
    for name in ("predicted_return", "lower", "upper", "probability_up", "model_version"):
        assert made["prediction"][name] == alone[name]
    query = {"ticker": TICKER, "version": alone["model_version"], "limit": 500}
    wait_for(
        lambda: (
            made["prediction"]["prediction_id"]
            in [item["prediction_id"] for item in api.get("/api/predict", params=query).json()["items"]]
        ),
        seconds=30,
        what="the prediction of the bulk in the list",
    )


@pytest.mark.usefixtures("model")
def test_reads_are_answered_from_the_cache_until_a_load_replaces_them(api: httpx.Client, serving: LocalStack) -> None:
    made = predict(serving, ticker=TICKER)
    pages = {"ticker": TICKER, "limit": 500}
    wait_for(
        lambda: any(
            item["prediction_id"] == made["prediction_id"] and item["actual_close"] is None
            for item in api.get("/api/predict", params=pages).json()["items"]
        ),
        seconds=30,
        what="the open prediction in the list",
    )
    first = {path: api.get(path, params={"limit": 3}) for path in (f"{URL}/prices", f"{URL}/features")}
    first["/api/datasets"] = api.get("/api/datasets")
    for path, answer in first.items():
        params = {} if path == "/api/datasets" else {"limit": 3}
        known = {"If-None-Match": answer.headers["ETag"]}
        assert api.get(path, params=params, headers=known).status_code == 304

    assert loaded_by(api, upload(api, csv_of([*DAYS, MONDAY])))["state"] == "completed"

    for path in (f"{URL}/prices", f"{URL}/features"):
        answer = api.get(path, params={"limit": 3}, headers={"If-None-Match": first[path].headers["ETag"]})
        assert answer.status_code == 200
        assert str(MONDAY) in answer.text
    (item,) = [item for item in api.get("/api/datasets").json()["items"] if item["ticker"] == TICKER]
    assert item["last_session"] == str(MONDAY)
    items = api.get("/api/predict", params=pages).json()["items"]
    (settled,) = [item for item in items if item["prediction_id"] == made["prediction_id"]]
    assert settled["actual_close"] is not None
    only = api.get("/api/predict", params={**pages, "settled": "true"}).json()["items"]
    assert made["prediction_id"] in [item["prediction_id"] for item in only]
    assert all(item["error_pct"] is not None for item in only)


@pytest.mark.usefixtures("model")
def test_without_redis_reads_are_answered_all_the_same(api: httpx.Client, serving: LocalStack) -> None:
    serving.stop("redis")
    try:
        for path in (f"{URL}/prices", "/api/datasets", f"/api/predict?ticker={TICKER}"):
            assert api.get(path).status_code == 200
    finally:
        serving.start("redis")


@pytest.mark.usefixtures("model")
def test_a_path_of_days_is_streamed_to_its_end(api: httpx.Client) -> None:
    accepted = api.post("/api/predict/future", json={"ticker": TICKER, "days": 5}).json()
    events, days = [], []
    with api.stream("GET", accepted["stream_url"]) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                events.append(value)
            elif name == "data":
                days += [item["horizon"] for item in orjson.loads(value)["predictions"]]
    assert events[-1] == "end"
    assert days == [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("model")
def test_a_path_that_waits_can_be_cancelled(api: httpx.Client, serving: LocalStack) -> None:
    serving.stop("celery_predict")
    try:
        task_id = api.post("/api/predict/future", json={"ticker": TICKER, "days": 5}).json()["task_id"]
        assert api.delete(f"/api/predict/future/{task_id}").json()["state"] == "cancelled"
        assert api.delete(f"/api/predict/future/{task_id}").status_code == 409
    finally:
        serving.start("celery_predict")
    assert api.get(f"/api/predict/future/status/{task_id}").json()["state"] == "cancelled"


def test_a_load_that_waits_can_be_cancelled(api: httpx.Client, serving: LocalStack) -> None:
    serving.stop("workflows")
    try:
        url = api.post("/api/datasets/etl", json={"source": "sample"}).headers["Location"]
        assert api.get(url).json()["state"] == "pending"
        assert api.delete(url).json()["state"] == "cancelled"
        assert api.delete(url).status_code == 409
    finally:
        serving.start("workflows")
    assert api.get(f"/api/datasets/etl/{uuid4()}").status_code == 404


@pytest.mark.usefixtures("model")
def test_a_ticker_is_deleted_but_not_while_it_is_trained_on(api: httpx.Client, serving: LocalStack) -> None:
    made = predict(serving, ticker=TICKER)["prediction_id"]
    wait_for(lambda: api.get(f"/api/predict/{made}").status_code == 200, seconds=30, what="the prediction stored")
    export = Path(serving.env["STOCK_ETL__EXPORT_DIR"]) / "US" / f"{TICKER}.parquet"
    assert export.is_file()
    serving.stop("celery_train")
    try:
        task_id = api.post("/api/train", json={"ticker": TICKER, "model_type": "mean"}).json()["task_id"]
        refused = api.delete(URL)
        assert (refused.status_code, task_id in refused.json()["detail"]) == (409, True)
        assert api.delete(f"/api/train/{task_id}").status_code == 200
        assert api.delete(URL).json()["rows"] == len(DAYS) - 1
    finally:
        serving.start("celery_train")
    assert not export.exists()
    for path in (f"{URL}/prices", f"{URL}/features", f"{URL}/quality"):
        assert api.get(path).status_code == 404
    assert api.delete(URL).status_code == 404
    assert TICKER not in [item["ticker"] for item in api.get("/api/datasets").json()["items"]]
    assert api.post("/api/predict", json={"ticker": TICKER}).status_code == 404
    assert api.get(f"/api/predict/{made}").status_code == 200
