"""The time machine as its user meets it: started in the form, followed, read; another one ended early and forgotten.

One that is followed to its end takes a minute: ``pytest -m "e2e and slow" tests/e2e/test_simulations_page.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages import open_page

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# Trainings of the demo's own models may be in the queue before it.
_PATIENCE = 240_000
_SIMULATION = re.compile(r"/simulations/[0-9a-f-]{36}")


@pytest.fixture
def desk(browser: Browser, url: str) -> Iterator[Page]:
    with open_page(browser, url) as page:
        page.goto("/simulations")
        page.get_by_test_id("new-simulation").click()
        yield page


def ask_for(page: Page, first: str, last: str) -> None:
    """Of one stock: its first model, and about a second for each session."""
    for ticker in ("MSFT", "IBM", "GOOG"):
        page.locator(".mantine-Pill-root", has_text=ticker).locator("button").click()
    page.get_by_test_id("simulation-first").fill(first)
    page.get_by_test_id("simulation-last").fill(last)
    page.get_by_test_id("simulation-verify").fill("1")
    page.get_by_test_id("simulation-name").fill(f"from {first}")


def test_years_that_make_no_sense_are_answered_in_the_form(desk: Page) -> None:
    desk.get_by_test_id("simulation-first").fill("2012-06-29")
    desk.get_by_test_id("simulation-last").fill("2012-01-03")
    desk.get_by_test_id("simulation-start").click()
    expect(desk.get_by_test_id("simulation-first")).to_have_attribute("aria-invalid", "true")
    expect(desk.get_by_text("expected a day before last")).to_be_visible()
    desk.get_by_test_id("simulation-cost").fill("-1")
    desk.get_by_test_id("simulation-start").click()
    expect(desk.get_by_test_id("simulation-cost")).to_have_attribute("aria-invalid", "true")


@pytest.mark.slow
def test_a_simulation_is_started_followed_and_read(desk: Page) -> None:
    ask_for(desk, "2012-01-03", "2012-01-12")
    desk.get_by_test_id("simulation-start").click()
    desk.wait_for_url(_SIMULATION)
    expect(desk.get_by_test_id("simulation-progress")).to_contain_text("Session Jan", timeout=_PATIENCE)
    expect(desk.get_by_test_id("simulation-outcome")).to_be_visible(timeout=_PATIENCE)
    expect(desk.get_by_test_id("simulation-verified")).to_contain_text("No look-ahead: 1 sampled day")
    expect(desk.get_by_test_id("tickers-table")).to_contain_text("AAPL")
    desk.get_by_test_id("tab-report").click()
    report = desk.frame_locator("[data-testid=framed-report]")
    expect(report.get_by_role("heading").first).to_be_visible()
    expect(report.locator("body")).to_contain_text("AAPL")


def test_a_simulation_is_ended_early_and_forgotten(desk: Page) -> None:
    ask_for(desk, "2010-01-04", "2013-12-31")
    desk.get_by_test_id("simulation-start").click()
    desk.wait_for_url(_SIMULATION)
    expect(desk.get_by_test_id("simulation-bar")).to_be_visible()
    desk.get_by_test_id("simulation-cancel").click()
    desk.get_by_test_id("confirm-button").click()
    expect(desk.get_by_test_id("simulation-progress")).to_have_attribute("data-state", "cancelled")
    desk.get_by_test_id("simulation-delete").click()
    desk.get_by_test_id("confirm-button").click()
    desk.wait_for_url(re.compile(r"/simulations$"))
    expect(desk.get_by_test_id("simulations-table").get_by_text("from 2010-01-04")).to_have_count(0)
