"""The closed loop as its user sees it: a challenger of shuffled labels is rejected, a champion that breaks in its
probation is taken back; by the real worker, gate, flow and sockets, on a page that is never loaded again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from stock_kit.clock import wall_now
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import RAW_SCHEMA
from stock_mlops.services.warehouse_sync import WarehouseSync
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse

from tests.e2e.demo import settings_of
from tests.e2e.pages import open_page
from tests.integration.support import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SHARE = Instrument("US", "LOOPED")
SPEC = {"ticker": "LOOPED", "features": ["return_1", "volatility_5", "gap"], "horizon": 1, "model_type": "ridge"}
DAYS = SHARE.sessions.between(date(2002, 1, 2), date(2007, 12, 31))
HISTORY = 1250
_PATIENCE = 120_000


@dataclass
class Share:
    """A share whose returns follow the one before by 15 %, as long as its market stays what it was."""

    settings: Settings
    closes: list[float] = field(default_factory=lambda: [100.0])
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(12))
    last: float = 0.0

    def trade(self, sessions: int, volatility: float = 0.01) -> None:
        """As many sessions more."""
        for _ in range(sessions):
            self.last = 0.15 * self.last + volatility * float(self.rng.normal())
            self.closes.append(self.closes[-1] * float(np.exp(self.last)))
        self.store(self.closes)

    def shuffle(self) -> None:
        """Deal the returns of its past anew: what is learned from them says nothing of the share."""
        returns = np.random.default_rng(3).permutation(np.diff(np.log(self.closes)))
        self.store([100.0, *(100.0 * np.exp(np.cumsum(returns))).tolist()])

    def store(self, closes: list[float]) -> None:
        raw = RawPrices(get_engine(self.settings.raw_db))
        raw.upsert(_frame(closes), wall_now())
        WarehouseSync(raw, Warehouse(get_client(self.settings.clickhouse))).run([SHARE])


def _frame(closes: list[float]) -> pl.DataFrame:
    before, after = closes[:-1], closes[1:]
    values = {
        "exchange": SHARE.exchange,
        "ticker": SHARE.ticker,
        "session": DAYS[: len(after)],
        "open": before,
        "high": [max(pair) * 1.001 for pair in zip(before, after, strict=True)],
        "low": [min(pair) * 0.999 for pair in zip(before, after, strict=True)],
        "close": after,
        "volume": [1e6 + number for number in range(len(after))],
        "dividend": 0.0,
        "split": 1.0,
        "adj_close": after,
        "source": "file",
    }
    return pl.DataFrame(values, schema=RAW_SCHEMA)


@dataclass
class Desk:
    """A page, and what happens behind it."""

    page: Page
    url: str
    model: str

    @property
    def current(self) -> Locator:
        return self.page.get_by_test_id("current-retraining")

    def start_by_hand(self, reason: str) -> None:
        self.page.get_by_test_id("retraining-start").click()
        self.page.get_by_test_id("retraining-reason").fill(reason)
        self.page.get_by_test_id("confirm-button").click()
        self.shows("triggered|training|shadow")

    def advance(self) -> None:
        """What the schedule does every ten minutes, now."""
        self.page.get_by_test_id("retraining-advance").click()

    def train(self) -> None:
        """Have the challenger trained; the worker has others to train as well."""
        self.advance()
        self.shows("training|shadow|none")  # none: it may be rejected before anybody has looked
        await_training(self.url, self.newest()["job_id"])
        if self.newest()["state"] == "training":
            self.advance()

    def newest(self) -> dict[str, Any]:
        retrainings = httpx.get(f"{self.url}/api/models/{self.model}/retrainings").raise_for_status().json()
        found: dict[str, Any] = retrainings["items"][0]
        return found

    def shows(self, states: str) -> None:
        """By itself: the page is told over the WebSocket. The replay beside us may take a step, too."""
        expect(self.current).to_have_attribute("data-state", re.compile(f"^({states})$"), timeout=_PATIENCE)

    def ended(self, state: str) -> Locator:
        newest = self.page.get_by_test_id("ended-retraining").first
        expect(newest).to_have_attribute("data-state", state, timeout=_PATIENCE)
        return newest

    def serves(self, version: int) -> None:
        """Within seconds; every answer until then is a whole one."""

        def answered() -> bool:
            answer = httpx.post(f"{self.url}/api/predict/", json={"ticker": SHARE.ticker}).raise_for_status().json()
            return bool(answer["model_version"] == str(version))

        wait_for(answered, seconds=30, what=f"version {version} to serve")


def await_training(url: str, task_id: str) -> None:
    status = f"{url}/api/train/status/{task_id}"
    wait_for(lambda: httpx.get(status).json()["state"] == "completed", seconds=240, what=f"the training {task_id}")


@pytest.fixture(scope="module")
def share(url: str, env: dict[str, str]) -> Iterator[Share]:
    share = Share(settings_of(env))
    share.trade(HISTORY)
    yield share
    httpx.delete(f"{url}/api/datasets/{SHARE.exchange}/{SHARE.ticker}").raise_for_status()


@pytest.fixture(scope="module")
def desk(browser: Browser, url: str, share: Share) -> Iterator[Desk]:
    """The retraining tab of a model that serves the share."""
    assert share.closes
    task = httpx.post(f"{url}/api/train", json=SPEC).raise_for_status().json()
    await_training(url, task["task_id"])
    [model] = httpx.get(f"{url}/api/models/", params={"ticker": SHARE.ticker}).json()["items"]
    with open_page(browser, url) as page:
        page.goto(f"/models/{model['model_id']}?tab=retraining")
        yield Desk(page, url, model["model_id"])
    gone = httpx.delete(f"{url}/api/models/{model['model_id']}", params={"force": True, "reason": "tested"})
    gone.raise_for_status()


def test_a_policy_is_set_and_one_that_makes_no_sense_is_answered_in_the_form(desk: Desk) -> None:
    page = desk.page
    page.get_by_test_id("policy-shadow_sessions").fill("6")
    page.get_by_test_id("policy-probation_sessions").fill("0")
    page.get_by_test_id("policy-save").click()
    expect(page.get_by_test_id("policy-probation_sessions")).to_have_attribute("aria-invalid", "true")
    page.get_by_test_id("policy-probation_sessions").fill("12")
    page.get_by_test_id("policy-save").click()
    expect(page.get_by_test_id("policy-save")).to_be_disabled()
    expect(page.get_by_test_id("policy-probation_sessions")).to_have_value("12")


def test_a_challenger_of_shuffled_labels_is_rejected_with_its_reasons_on_the_page(desk: Desk, share: Share) -> None:
    desk.start_by_hand("with somebody's broken prices")
    share.shuffle()
    desk.train()
    rejected = desk.ended("rejected")
    expect(rejected).to_contain_text("Failed: ")
    expect(rejected).to_contain_text("Both saw the same outcomes")
    rejected.get_by_role("button").click()
    expect(rejected.get_by_test_id("cycle-steps")).to_contain_text("Version 2 was refused")
    desk.shows("none")
    share.store(share.closes)
    desk.serves(1)


def test_a_champion_that_breaks_in_its_probation_is_taken_back_on_the_page(desk: Desk, share: Share) -> None:
    desk.start_by_hand("with the prices put right")
    desk.train()
    desk.shows("shadow")
    desk.serves(1)
    share.trade(8)
    desk.advance()
    desk.shows("probation")
    expect(desk.current.get_by_test_id("cycle-steps")).to_contain_text("Version 3 serves")
    desk.serves(3)

    share.trade(10, volatility=0.05)
    desk.advance()
    taken_back = desk.ended("rolled_back")
    expect(taken_back).to_contain_text("In probation its errors stay within bounds")
    expect(desk.page.get_by_test_id("version-select")).to_have_value("version 1 · serves")
    desk.page.get_by_test_id("tab-trail").click()
    expect(desk.page.get_by_test_id("trail-table")).to_contain_text("Rolled back")
    desk.serves(1)
