"""A model's life in a browser: defined, trained, judged, refused by the gate, let serve all the same, and deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages import open_page

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# A training has a queue before it.
_PATIENCE = 180_000
_MODEL = re.compile(r"/models/[0-9a-f-]{36}")


@pytest.fixture
def desk(browser: Browser, url: str) -> Iterator[Page]:
    with open_page(browser, url) as page:
        yield page


def define(page: Page) -> None:
    """A model of IBM that forecasts less far than the one which serves it."""
    page.goto("/models/new?exchange=US&ticker=IBM")
    page.get_by_test_id("type-lasso").click()
    page.get_by_test_id("form-horizon").fill("2")


def wrong_fields(page: Page) -> str:
    return " ".join(page.locator(".mantine-InputWrapper-error").all_inner_texts())


def test_a_wrong_definition_is_answered_in_the_form(desk: Page) -> None:
    define(desk)
    desk.get_by_test_id("form-horizon").fill("99")
    desk.get_by_test_id("form-folds").fill("1")
    desk.get_by_test_id("form-define").click()
    expect(desk.get_by_test_id("form-wrong")).to_be_visible()
    assert "60" in wrong_fields(desk)
    expect(desk.get_by_test_id("form-horizon")).to_have_attribute("aria-invalid", "true")
    expect(desk.get_by_test_id("form-folds")).to_have_attribute("aria-invalid", "true")


def test_a_model_is_trained_refused_by_the_gate_overruled_rolled_back_and_deleted(desk: Page) -> None:
    define(desk)
    desk.get_by_test_id("form-train").click()
    desk.wait_for_url(_MODEL)
    expect(desk.get_by_test_id("train-result")).to_be_visible(timeout=_PATIENCE)
    expect(desk.get_by_test_id("scores-table")).to_be_visible()
    for chart in ("skill", "coverage", "calibration", "windows", "learning", "importance"):
        expect(desk.get_by_test_id(f"chart-{chart}").get_by_role("img")).to_be_visible()

    desk.get_by_test_id("tab-backtest").click()
    figures = desk.get_by_test_id("backtest-figures")
    before = figures.get_attribute("data-return")
    for _ in range(10):
        desk.get_by_role("slider").press("ArrowRight")
    expect(figures).not_to_have_attribute("data-return", str(before))
    expect(desk).to_have_url(re.compile("cost=15"))

    desk.get_by_test_id("tab-versions").click()
    desk.get_by_test_id(re.compile("promote-")).click()
    desk.get_by_test_id("promote-confirm").click()
    expect(desk.get_by_test_id("gate-refused")).to_contain_text("Serves all that the champion serves")
    desk.get_by_test_id("promote-force").click()
    desk.get_by_test_id("promote-confirm").click()
    expect(desk.get_by_text("serves now.")).to_be_visible()
    desk.keyboard.press("Escape")

    desk.get_by_test_id("model-menu").click()
    desk.get_by_role("menuitem", name="Roll back").click()
    desk.get_by_test_id("confirm-button").click()
    expect(desk.get_by_test_id("confirm-button")).to_have_count(0)
    desk.get_by_test_id("tab-trail").click()
    expect(desk.get_by_test_id("trail-table")).to_contain_text("Rolled back")

    desk.get_by_test_id("model-menu").click()
    desk.get_by_role("menuitem", name="Delete").click()
    desk.get_by_test_id("confirm-button").click()
    desk.wait_for_url(re.compile(r"/models$"))
    expect(desk.get_by_test_id("models-table")).not_to_contain_text("US:IBM lasso h2")


def test_a_path_appears_day_by_day_and_a_wrong_length_is_answered_in_the_form(desk: Page) -> None:
    desk.goto("/predict?exchange=US&ticker=AAPL&mode=path")
    desk.get_by_test_id("predict-ahead").fill("999")
    desk.get_by_test_id("predict-submit").click()
    expect(desk.get_by_test_id("predict-ahead")).to_have_attribute("aria-invalid", "true")
    desk.get_by_test_id("predict-ahead").fill("5")
    desk.get_by_test_id("predict-submit").click()
    expect(desk.get_by_test_id("path-days")).to_have_attribute("data-state", "completed", timeout=_PATIENCE)
    expect(desk.get_by_test_id("path-table").get_by_role("row")).to_have_count(6)
