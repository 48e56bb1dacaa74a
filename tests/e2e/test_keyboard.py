"""The page without a pointer: every step by keys alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import all_pages

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# More than any page has; whoever needs so many keys is lost.
_MOST_KEYS = 80
# What the browser or the page draws around what has the focus.
_RING = "e => { const s = getComputedStyle(e); return s.outlineStyle !== 'none' || s.boxShadow !== 'none' }"


def tab_to(page: Page, target: Locator) -> None:
    """Go on with Tab until ``target`` has the focus, which has to be seen."""
    expect(target).to_be_visible()
    for _ in range(_MOST_KEYS):
        if target.evaluate("e => e === document.activeElement"):
            assert target.evaluate(_RING), "expected a ring around what has the focus, saw none"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} was not reached with {_MOST_KEYS} tabs")


def expect_focus_within(opened: Locator) -> None:
    """What was just opened takes the focus a moment later; a key pressed before that goes to the page behind it."""
    expect(opened).to_be_visible()
    expect(opened.locator(":focus")).to_have_count(1)


def test_the_skip_link_comes_first_and_leads_past_the_navigation(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_test_id("market-clock")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#main').contains(document.activeElement)")


def test_a_stock_is_found_by_keys(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_test_id("market-clock")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_test_id("search")).to_be_focused()
    # The list comes later, with a field of its own that takes the focus over.
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.type("ibm", delay=20)
    found = page.get_by_role("option")
    expect(found).to_have_count(1)
    expect(found).to_have_attribute("data-combobox-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/stock/US/IBM"))


def test_a_table_is_sorted_and_a_drawer_opened_and_left(page: Page) -> None:
    page.goto("/datasets")
    header = page.get_by_role("columnheader", name="Last close")
    tab_to(page, header.get_by_role("button"))
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "descending")
    details = page.get_by_test_id("open-US-IBM")
    tab_to(page, details)
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect_focus_within(drawer)
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(details).to_be_focused()


def test_a_menu_and_its_dialog_are_opened_and_left(page: Page, url: str) -> None:
    page.goto(all_pages(url)["model"])
    menu = page.get_by_test_id("model-menu")
    tab_to(page, menu)
    page.keyboard.press("Enter")
    expect_focus_within(page.get_by_role("menu"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Name, note, tags")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("edit-name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(menu).to_be_focused()


def test_tabs_are_changed_with_arrows(page: Page) -> None:
    page.goto("/monitoring")
    live = page.get_by_role("tab", name="Live")
    tab_to(page, live)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Alerts")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("tab=alerts"))
