"""The whole demo as its user meets it: ``up --demo``, the API, the WebSocket, the page in a browser, ``down``."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from tests.e2e.demo import cli
from tests.integration.support import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_every_service_is_green(url: str, env: dict[str, str], tmp_path: Path) -> None:
    status = cli(env, "status", "--json", cwd=tmp_path)
    assert status.returncode == 0, status.stdout
    services = {row["name"]: row["state"] for row in json.loads(status.stdout)["services"]}
    watchers = [name for name in ("prometheus", "prometheus-blackbox-exporter") if shutil.which(name)]
    assert len(services) == 18 + len(watchers)
    assert set(services.values()) == {"ready"}


def test_a_forecast_of_the_api_reaches_a_websocket_client_once(url: str) -> None:
    with connect(url.replace("http", "ws", 1) + "/ws/predictions?ticker=US:AAPL") as socket:
        first = json.loads(socket.recv(timeout=20))
        assert (first["channel"], first["kind"]) == ("predictions", "snapshot")
        made = httpx.post(f"{url}/api/predict/", json={"ticker": "AAPL", "exchange": "US"}).json()
        assert not made["fallback"]
        seen: list[dict[str, Any]] = []
        wait_for(
            lambda: (
                bool(seen.extend(json.loads(socket.recv(timeout=20))["messages"]))
                or made["prediction_id"] in {message["data"]["prediction_id"] for message in seen}
            ),
            seconds=30,
            what="the forecast on the socket",
        )
    mine = [message for message in seen if message["data"]["prediction_id"] == made["prediction_id"]]
    assert len(mine) == 1
    assert mine[0]["data"]["predicted_close"] == made["predicted_close"]


def test_forecasts_meet_their_actual_closes_while_the_clock_is_replayed(url: str) -> None:
    made = httpx.post(f"{url}/api/predict/", json={"ticker": "AAPL", "exchange": "US"}).json()

    def settled_ones() -> list[dict[str, Any]]:
        items = httpx.get(f"{url}/api/predict/", params={"ticker": "AAPL", "limit": 500}).json()["items"]
        mine = [item for item in items if item["prediction_id"] == made["prediction_id"]]
        return [item for item in mine if item["actual_close"] is not None]

    wait_for(lambda: bool(settled_ones()), seconds=60, what="the session that was forecast")
    (settled,) = settled_ones()
    assert settled["error_pct"] == pytest.approx(settled["predicted_close"] / settled["actual_close"] - 1)


def test_the_overview_shows_the_sample_and_its_forecast(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_test_id("glance-services")).to_have_attribute("data-tone", "good")
    expect(page.get_by_test_id("forecast-US-AAPL").get_by_test_id("predicted-close")).to_have_text(re.compile(r"\d"))
    expect(page.get_by_test_id("market-clock")).to_contain_text("2012")


def test_training_on_the_page_shows_progress_and_an_honest_result(page: Page) -> None:
    page.goto("/stock/US/AAPL")
    expect(page.get_by_test_id("price-chart").locator("canvas").first).to_be_visible()
    page.get_by_test_id("train-button").click()
    expect(page.get_by_test_id("train-progress")).to_be_visible()
    # The demo's other models are in the queue before it.
    expect(page.get_by_test_id("train-result")).to_be_visible(timeout=240_000)
    expect(page.get_by_test_id("train-verdict")).to_have_text(re.compile("random walk"))
    page.get_by_test_id("predict-now").click()
    expect(page.get_by_test_id("forecast-US-AAPL").get_by_test_id("predicted-close")).to_have_text(re.compile(r"\d"))


def test_metrics_arrive_live(page: Page) -> None:
    page.goto("/monitoring")
    expect(page.get_by_test_id("metrics-live-badge")).to_have_text(re.compile("live", re.IGNORECASE), timeout=30_000)
    for service in ("backend1", "backend2", "ws_monitor", "celery_train"):
        expect(page.get_by_test_id(f"service-{service}")).to_have_attribute("data-up", "true", timeout=30_000)
    expect(page.get_by_test_id("feed-item").first).to_be_visible(timeout=30_000)


def test_the_page_speaks_traditional_chinese(page: Page) -> None:
    page.goto("/")
    page.get_by_test_id("language-toggle").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
