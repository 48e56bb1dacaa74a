"""backend1 over the real servers: trainings that are followed, joined and cancelled; versions that are looked at,
compared, promoted, rolled back and deleted; instruments, watchlists, the platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text
from stock_local.testing import LocalStack
from stock_mlops.instruments import Instrument
from stock_mlops.stores.instrument_names import InstrumentNames
from stock_mlops.stores.job_upkeep import JobUpkeep
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.postgres import get_engine

from tests.integration.support import load_prices, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

# Of these tests' own, so that nobody else trains or replays it.
TICKER = Instrument("US", "MDLTEST")
NAME = TICKER.registered_model
SMALL = {"ticker": TICKER.ticker, "features": ["return_1", "gap"], "horizon": 2, "validation": {"folds": 3}}
# Long enough to be cancelled while it runs.
SLOW = {**SMALL, "model_type": "lightgbm", "horizon": 60, "params": {"n_estimators": 5000, "patience": None}}


@pytest.fixture(scope="module")
def servers(local_stack: LocalStack) -> LocalStack:
    local_stack.require("backend1", "celery_train", "mlflow")
    migrate(local_stack.settings)  # a backend that has just come up may still be at it
    load_prices(local_stack.settings, TICKER, date(2018, 1, 2), date(2024, 6, 14))
    return local_stack


@pytest.fixture(scope="module")
def api(servers: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=servers.settings.backend1.url, timeout=60) as client:
        yield client


def asked(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def finished(api: httpx.Client, task_id: str) -> dict[str, Any]:
    url = f"/api/train/status/{task_id}"
    wait_for(lambda: api.get(url).json()["state"] == "completed", seconds=180, what="a training")
    return asked(api.get(url))


@pytest.fixture(scope="module")
def trained(api: httpx.Client) -> list[dict[str, Any]]:
    """Two versions of the ticker, of two definitions."""
    tasks = [asked(api.post("/api/train", json={**SMALL, "seed": seed}), 202) for seed in (1, 2)]
    return [finished(api, task["task_id"]) for task in tasks]


def test_a_training_tells_each_test_window_and_is_listed(api: httpx.Client, trained: list[dict[str, Any]]) -> None:
    status = trained[0]
    assert [(fold["horizon"], fold["fold"]) for fold in status["folds"]] == [(h, f) for h in (1, 2) for f in (1, 2, 3)]
    listed = asked(api.get("/api/train", params={"state": "completed", "limit": 500}))["items"]
    assert {status["task_id"] for status in trained} <= {item["task_id"] for item in listed}
    first = asked(api.get("/api/train?limit=1"))
    second = asked(api.get("/api/train", params={"limit": 1, "cursor": first["next_cursor"]}))
    assert first["items"][0]["task_id"] != second["items"][0]["task_id"]


def test_a_running_training_is_joined_and_cancelled_and_leaves_no_version(api: httpx.Client) -> None:
    task = asked(api.post("/api/train", json=SLOW), 202)
    path = f"/api/train/{task['task_id']}"
    assert asked(api.post("/api/train", json=SLOW), 202)["task_id"] == task["task_id"]
    wait_for(
        lambda: len(api.get(f"/api/train/status/{task['task_id']}").json()["folds"]) > 0,
        seconds=120,
        what="a first test window",
    )
    refused = asked(api.delete(f"/api/models/{task['model_id']}"), 409)
    assert "is being trained" in refused["detail"]
    assert asked(api.delete(path))["state"] == "cancelled"
    assert "cancelled already" in asked(api.delete(path), 409)["detail"]
    # The worker is free again: another training runs to its end.
    finished(api, asked(api.post("/api/train", json={**SMALL, "model_type": "mean"}), 202)["task_id"])
    assert asked(api.get(f"/api/models/{task['model_id']}"))["versions"] == []
    assert asked(api.get(f"/api/train/status/{task['task_id']}"))["result"] is None
    api.delete(f"/api/models/{task['model_id']}").raise_for_status()


def test_an_expired_result_is_gone_and_an_unknown_task_is_not_found(
    api: httpx.Client, servers: LocalStack, trained: list[dict[str, Any]]
) -> None:
    task = finished(api, asked(api.post("/api/train", json={**SMALL, "model_type": "mean"}), 202)["task_id"])
    engine = get_engine(servers.settings.model_meta_db)
    with engine.begin() as tx:
        tx.execute(
            text("UPDATE jobs SET finished_at = finished_at - interval '1 year' WHERE id = :id"),
            {"id": task["task_id"]},
        )
    JobUpkeep(engine, servers.settings.jobs).expire(timedelta(days=300))
    gone = asked(api.get(f"/api/train/status/{task['task_id']}"), 410)
    assert (gone["code"], "ended completed" in gone["detail"]) == ("gone", True)
    asked(api.delete(f"/api/train/{task['task_id']}"), 410)
    asked(api.get(f"/api/train/status/{uuid4()}"), 404)


def test_a_version_shows_its_card_its_curves_and_a_backtest(api: httpx.Client, trained: list[dict[str, Any]]) -> None:
    result = trained[0]["result"]
    model = f"/api/models/{result['model_id']}"
    card = api.get(f"{model}/versions/{result['version']}/card")
    assert card.headers["Content-Type"].startswith("text/markdown")
    assert card.text.startswith(f"# {NAME}")
    curves = asked(api.get(f"{model}/versions/{result['version']}/curves"))
    skill = {row["horizon"]: row["skill"] for row in result["metrics"]["horizons"]}
    assert {curve["horizon"]: curve["gained"][-1] for curve in curves["cumulative_skill"]} == pytest.approx(skill)
    assert curves["learning_curve"]
    fit = asked(api.get(f"{model}/versions/{result['version']}/fit"))
    assert fit == {"horizon": 1, "train_loss": [], "validation_loss": [], "gradient_norm": []}  # ridge takes one step
    assert curves["importance"]
    assert [curve["horizon"] for curve in curves["calibration"]] == sorted(skill)
    assert [curve["horizon"] for curve in curves["coverage"]] == sorted(skill)
    listed = {item["model_id"]: item for item in asked(api.get("/api/models/"))["items"]}[result["model_id"]]
    assert (listed["newest"]["version"], listed["newest"]["skill"]) == (result["version"], pytest.approx(skill[1]))

    body = {"version": result["version"], "cost_bps": 5}
    told = asked(api.post(f"{model}/backtest", json=body))
    shown = next(item for item in result["metrics"]["backtests"] if item["horizon"] == 1)
    assert told["strategy"] == pytest.approx(shown["strategy"], nan_ok=True)
    dearer = asked(api.post(f"{model}/backtest", json={**body, "cost_bps": 50}))
    assert dearer["strategy"]["total_return"] <= told["strategy"]["total_return"]
    assert asked(api.post(f"{model}/backtest", json={**body, "horizon": 9}), 422)["code"] == "invalid_request"
    asked(api.get(f"{model}/versions/999/card"), 404)


def test_versions_are_compared_promoted_and_rolled_back_and_the_trail_tells(
    api: httpx.Client, trained: list[dict[str, Any]]
) -> None:
    (first, second) = (status["result"] for status in trained)
    paths = [f"/api/models/{result['model_id']}" for result in (first, second)]
    a, b = first["version"], second["version"]
    found = asked(api.get(f"{paths[0]}/compare?a={a}&b={b}"))
    assert [row["horizon"] for row in found["horizons"]] == [1, 2]
    assert (found["a"]["version"], found["b"]["version"]) == (a, b)

    for path, version in ((paths[0], a), (paths[1], b)):
        answer = api.post(f"{path}/versions/{version}/promote", json={"force": True, "reason": "test"})
        assert answer.status_code in (200, 409), answer.text  # 409: it serves already
    assert asked(api.get(paths[1]))["aliases"]["champion"] == b
    asked(api.post(f"{paths[1]}/versions/{a}/promote", json={"force": True}), 404)  # the other definition's
    assert asked(api.post(f"{paths[1]}/versions/{b}/promote", json={}), 409)["code"] == "conflict"
    back = asked(api.post(f"{paths[0]}/rollback", json={"reason": "test"}))
    assert (back["version_before"], back["version"]) == (b, a)
    trail = asked(api.get("/api/models/audit", params={"registered_name": NAME, "limit": 2}))
    assert (trail["items"][0]["action"], trail["items"][0]["actor"]) == ("rollback", "anybody")
    older = asked(api.get("/api/models/audit", params={"registered_name": NAME, "before": trail["next_before"]}))
    assert max(item["id"] for item in older["items"]) < min(item["id"] for item in trail["items"])


def test_a_model_is_noted_of_found_and_deleted(api: httpx.Client, trained: list[dict[str, Any]]) -> None:
    created = asked(api.post("/api/models", json={**SMALL, "seed": 99}), 201)
    path = f"/api/models/{created['model_id']}"
    tag = uuid4().hex
    noted = asked(api.patch(path, json={"name": "noted", "description": "x", "tags": [tag]}))
    assert (noted["name"], noted["tags"]) == ("noted", [tag])
    assert asked(api.get("/api/models", params={"tag": tag}))["items"] == [
        {**noted, "versions": 0, "champion": None, "newest": None}
    ]
    assert api.delete(path).status_code == 204
    asked(api.get(path), 404)
    asked(api.delete(path), 404)

    result = trained[1]["result"]
    path = f"/api/models/{result['model_id']}"
    promoted = api.post(f"{path}/versions/{result['version']}/promote", json={"force": True})
    assert promoted.status_code in (200, 409), promoted.text  # 409: it serves already
    assert "promote another version first" in asked(api.delete(path), 409)["detail"]
    assert api.delete(path, params={"force": True}).status_code == 204


def test_mlflows_list_says_what_came_in_its_place(api: httpx.Client, trained: list[dict[str, Any]]) -> None:
    answer = api.get("/api/mlflow/models")
    assert NAME in {item["name"] for item in asked(answer)["items"]}
    assert answer.headers["Deprecation"] == "@1793491200"
    assert answer.headers["Link"] == '</api/models/>; rel="successor-version"'


def test_instruments_are_found_and_watched(api: httpx.Client, servers: LocalStack) -> None:
    assert [item["ticker"] for item in asked(api.get("/api/instruments?q=mdlte"))["items"]] == [TICKER.ticker]
    assert asked(api.get("/api/instruments?q=100%25_"))["items"] == []
    name = uuid4().hex
    made = asked(api.post("/api/watchlists", json={"name": name, "instruments": [{"ticker": "MDLTEST"}]}), 201)
    path = f"/api/watchlists/{made['watchlist_id']}"
    assert asked(api.post("/api/watchlists", json={"name": name}), 409)["code"] == "watchlist_name_taken"
    replaced = asked(api.put(path, json={"name": name, "instruments": [{"ticker": "2330", "exchange": "TW"}]}))
    assert asked(api.get(path)) == replaced
    assert replaced in asked(api.get("/api/watchlists"))["items"]
    assert api.delete(path).status_code == 204
    asked(api.get(path), 404)
    asked(api.delete(path), 404)


def test_the_platform_tells_its_versions_queues_and_exchanges(api: httpx.Client, servers: LocalStack) -> None:
    versions = asked(api.get("/api/system/versions"))
    migrations = servers.settings.path("db")
    newest = max((migrations / "postgres" / "model_meta_db").glob("[0-9]*.py")).name[:4]
    assert versions["schemas"]["model_meta_db"] == f"meta_{newest}"
    assert versions["schemas"]["clickhouse"] == max((migrations / "clickhouse").glob("*.sql")).stem
    queues = {item["name"]: item for item in asked(api.get("/api/system/queues"))["items"]}
    assert len(queues["train"]["workers"]) == 1
    assert asked(api.get("/api/system/links"))["links"]["mlflow"] == servers.settings.mlflow.tracking_uri
    assert len(asked(api.get("/api/exchanges"))["items"]) == 21


def test_without_the_broker_queues_are_a_503_and_a_training_still_waits(api: httpx.Client, servers: LocalStack) -> None:
    servers.stop("redis")
    try:
        answer = api.get("/api/system/queues")
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        task = asked(api.post("/api/train", json={**SMALL, "model_type": "drift"}), 202)
    finally:
        servers.start("redis")
    finished(api, task["task_id"])


def test_the_very_ticker_comes_first_then_tickers_and_words_that_begin_so(servers: LocalStack) -> None:
    engine = get_engine(servers.settings.raw_db)
    rows = [("QZX", "Alpha"), ("QZXA", "Beta"), ("BQZX", "Gamma"), ("ZZZ1", "The Qzx Group"), ("ZZZ2", "Aqzx")]
    with engine.begin() as tx:
        for ticker, name in rows:
            tx.execute(
                text("INSERT INTO instruments (exchange, ticker, name, source) VALUES ('US', :ticker, :name, 'file')"),
                {"ticker": ticker, "name": name},
            )
    try:
        found = InstrumentNames(engine).search("qzx", limit=4)
        assert [item.instrument.ticker for item in found] == ["QZX", "QZXA", "ZZZ1", "BQZX"]
        assert InstrumentNames(engine).search("qzx", "TW") == []
    finally:
        with engine.begin() as tx:
            tx.execute(
                text("DELETE FROM instruments WHERE ticker = ANY(:tickers)"), {"tickers": [row[0] for row in rows]}
            )
