"""The whole demo as its user meets it: ``up --demo``, the API, the WebSocket, the page in a browser, ``down``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from stock_kit.settings import Settings, load_settings
from stock_local.testing import stack_environment, use_environment
from websockets.sync.client import connect

from tests.integration.support import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

_CHROMIUM = "/usr/bin/chromium"
# Chromium must not look for Google's servers, and cannot be sandboxed as root.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def cli(env: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stock_mlops.cli", *arguments]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=400, check=False)


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return stack_environment(tmp_path_factory.mktemp("demo")) | {"STOCK_REPLAY__SECONDS_PER_SESSION": "2"}


@pytest.fixture(scope="module")
def settings(env: dict[str, str]) -> Settings:
    with use_environment(env):
        return load_settings()


@pytest.fixture(scope="module")
def url(env: dict[str, str], settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo that is up; at the end it is taken down, and nothing may be left of it."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    up = cli(env, "up", "--demo", "--detach", cwd=elsewhere)
    address = f"http://{settings.local.http_host}:{settings.http_port}"
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert address in up.stdout
        yield address
    finally:
        down = cli(env, "down", cwd=elsewhere)
    assert down.returncode == 0, down.stdout + down.stderr
    assert leftovers(env["STOCK_LOCAL__DATA_DIR"]) == []


def leftovers(data_dir: str) -> list[str]:
    found = []
    for process in psutil.process_iter(["environ", "cmdline", "status"]):
        of_the_demo = (process.info["environ"] or {}).get("STOCK_LOCAL__DATA_DIR") == data_dir
        if of_the_demo and process.pid != os.getpid() and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(process.info["cmdline"] or []))
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=30_000)  # two cores run the whole stack and the browser
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A page that must not log an error by the end of the test."""
    context = browser.new_context(base_url=url, locale="en-US", viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    assert errors == []


def test_every_service_is_green(url: str, env: dict[str, str], tmp_path: Path) -> None:
    status = cli(env, "status", "--json", cwd=tmp_path)
    assert status.returncode == 0, status.stdout
    services = {row["name"]: row["state"] for row in json.loads(status.stdout)["services"]}
    assert len(services) == 18
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
    expect(page.get_by_test_id("dataset-US-AAPL")).to_be_visible()
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
