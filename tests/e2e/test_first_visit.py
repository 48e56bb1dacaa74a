"""A platform without any data, met in a browser: prices, a model, a forecast that meets its actual close."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.demo import cli
from tests.e2e.pages import open_page

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# A session is released every few seconds, and a training has a queue before it.
_PATIENCE = 180_000


def load_the_sample(page: Page) -> None:
    page.goto("/")
    page.get_by_test_id("first-load").click()
    page.get_by_test_id("etl-start").click()
    expect(page.get_by_test_id("etl-run")).to_have_attribute("data-state", "completed", timeout=_PATIENCE)
    expect(page.get_by_test_id("loaded-US-AAPL")).to_be_visible()


def train_and_predict(page: Page) -> None:
    page.get_by_test_id("loaded-US-AAPL").get_by_role("link").click()
    page.get_by_test_id("train-button").click()
    expect(page.get_by_test_id("train-result")).to_be_visible(timeout=_PATIENCE)
    page.get_by_test_id("predict-now").click()
    # Before there was a model the replay had forecasts of the random walk, which has nothing to explain.
    newest = page.get_by_test_id("forecast-US-AAPL")
    expect(newest).to_contain_text("Ridge")
    expect(newest.get_by_test_id("explain-newest")).to_be_visible()


def test_from_an_empty_page_to_a_forecast_that_met_its_close(
    browser: Browser, empty_url: str, empty_env: dict[str, str], tmp_path: Path
) -> None:
    with open_page(browser, empty_url) as page:
        load_the_sample(page)
        train_and_predict(page)
        page.get_by_test_id("explain-newest").click()
        expect(page.get_by_test_id("explanation").get_by_role("listitem").first).to_be_visible()
        page.keyboard.press("Escape")
        # Seen live: the clock of the replay moves on, and the page with it.
        settled = page.get_by_test_id("prediction-history").locator("tr[data-settled=true]")
        expect(settled.first).to_be_visible(timeout=_PATIENCE)

        restarted = cli(empty_env, "restart", "kafka", cwd=tmp_path)
        assert restarted.returncode == 0, restarted.stdout + restarted.stderr
        expect(page.get_by_test_id("live-badge")).to_have_attribute("data-state", "live", timeout=_PATIENCE)
        page.get_by_test_id("predict-now").click()
        expect(page.get_by_test_id("prediction-history").locator("tr[data-settled=false]").first).to_be_visible()


def test_a_wrong_file_is_answered_in_the_form(browser: Browser, empty_url: str) -> None:
    with open_page(browser, empty_url, width=390) as page:
        page.goto("/datasets?load=file")
        wrong = {"name": "wrong.csv", "mimeType": "text/csv", "buffer": b"date,close\n2020-01-02,1\nnever,2\n"}
        page.locator("input[type=file]").set_input_files(wrong)  # type: ignore[arg-type]
        page.get_by_test_id("upload-ticker").fill("acme!")
        page.get_by_test_id("upload-start").click()
        expect(page.get_by_test_id("upload-ticker")).to_have_attribute("aria-invalid", "true")
        page.get_by_test_id("upload-ticker").fill("acme")
        page.get_by_test_id("upload-start").click()
        expect(page.get_by_role("alert")).to_contain_text("row 3")
