"""axe finds nothing serious on any page, in either theme; none is wider than a phone; all of it by keyboard."""

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


@pytest.mark.parametrize(
    ("scheme", "width", "language"),
    [("light", 1440, "en"), ("dark", 1440, "zh-TW"), ("light", 390, "zh-TW"), ("dark", 390, "en")],
)
def test_axe_finds_nothing_serious_on_any_page_and_all_of_it_fits(
    browser: Browser, url: str, scheme: str, width: int, language: str
) -> None:
    found: dict[str, list[str]] = {}
    too_wide = []
    with open_page(browser, url, scheme=scheme, width=width, language=language) as page:
        for name, path in all_pages(url).items():
            page.goto(path)
            when_settled(page)
            # Not a script element, which the page's Content-Security-Policy would rightly refuse.
            page.evaluate(_AXE.read_text(encoding="utf-8"))
            result = page.evaluate("rules => axe.run(document, rules)", _RULES)
            if serious := _serious(result["violations"]):
                found[name] = serious
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                too_wide.append(name)
    assert found == {}
    assert too_wide == []
