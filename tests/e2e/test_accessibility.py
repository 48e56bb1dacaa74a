"""axe finds nothing serious on any page, in either theme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.pages import all_pages, open_page, when_settled

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

_AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
_SERIOUS = ("serious", "critical")


def _serious(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{item['id']}: {item['help']}: {[node['html'][:200] for node in item['nodes'][:3]]}"
        for item in violations
        if item["impact"] in _SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_serious_on_any_page(browser: Browser, url: str, scheme: str, width: int) -> None:
    found: dict[str, list[str]] = {}
    with open_page(browser, url, scheme=scheme, width=width) as page:
        for name, path in all_pages(url).items():
            page.goto(path)
            when_settled(page)
            # Not a script element, which the page's Content-Security-Policy would rightly refuse.
            page.evaluate(_AXE.read_text(encoding="utf-8"))
            result = page.evaluate("rules => axe.run(document, rules)", _RULES)
            if serious := _serious(result["violations"]):
                found[name] = serious
    assert found == {}


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_no_page_is_wider_than_a_phone(browser: Browser, url: str, language: str) -> None:
    too_wide = []
    with open_page(browser, url, width=390, language=language) as page:
        for name, path in all_pages(url).items():
            page.goto(path)
            when_settled(page)
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                too_wide.append(name)
    assert too_wide == []
