#!/usr/bin/env python3
"""Takes the screenshots of docs/screenshots/ from a demo of its own: ``make screenshots``.

With ``--every`` each page in both themes, both languages and both widths, for people who change the page.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
from playwright.sync_api import Browser, Error

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.demo import demo_environment, running_browser, running_demo  # noqa: E402
from tests.e2e.pages import all_pages, open_page, when_settled  # noqa: E402

_SECONDS_PER_SESSION = 1.5
# So many forecasts have to have met their actual closes, for pages that show how they did.
_SETTLED = 12
_PATIENCE = 240.0


# What a picture waits for besides: rates need two measurements, which are some seconds apart.
_SHOWN = {"monitoring": "[data-testid=metric-requests] svg"}


class Shot(NamedTuple):
    page: str
    path: str
    scheme: str = "light"
    language: str = "en"
    width: int = 1440

    @property
    def file(self) -> str:
        parts = [
            self.page,
            "" if self.scheme == "light" else self.scheme,
            "" if self.language == "en" else self.language,
            "" if self.width == 1440 else "phone",
            "png",
        ]
        return ".".join(filter(None, parts))


def wanted(pages: dict[str, str]) -> Iterator[Shot]:
    """What the documentation shows."""
    for name, path in pages.items():
        yield Shot(name, path)
    for name in ("overview", "stock"):
        yield Shot(name, pages[name], language="zh-TW")
        yield Shot(name, pages[name], scheme="dark")
        yield Shot(name, pages[name], width=390)


def every(pages: dict[str, str]) -> Iterator[Shot]:
    for (name, path), scheme, language, width in product(
        pages.items(), ("light", "dark"), ("en", "zh-TW"), (1440, 390)
    ):
        yield Shot(name, path, scheme, language, width)


def prepare(url: str) -> dict[str, str]:
    """Have forecasts settle; the pages with what shows them.

    Raises:
        TimeoutError: too few settled in time.
    """
    deadline = time.monotonic() + _PATIENCE
    while _settled(url) < _SETTLED:
        if time.monotonic() > deadline:
            raise TimeoutError(f"fewer than {_SETTLED} forecasts settled within {_PATIENCE:.0f} s")
        time.sleep(1)
    return all_pages(url)


def _path(url: str) -> str:
    """A path of future forecasts, made just now: the replay goes on, and with it what the future is."""
    body = {"ticker": "AAPL", "exchange": "US", "days": 5}
    task = httpx.post(f"{url}/api/predict/future/", json=body).raise_for_status().json()["task_id"]
    return f"&path={task}"


def _settled(url: str) -> int:
    query = {"ticker": "AAPL", "exchange": "US", "settled": "true", "limit": "200"}
    return len(httpx.get(f"{url}/api/predict/", params=query).raise_for_status().json()["items"])


def take(browser: Browser, url: str, shots: Iterator[Shot], folder: Path) -> list[str]:
    """Save each; the names of those that could not be taken, with the reason."""
    failed = []
    for shot in shots:
        try:
            with open_page(browser, url, scheme=shot.scheme, width=shot.width, language=shot.language) as page:
                page.goto(shot.path + (_path(url) if shot.page == "stock" else ""))
                if shot.page in _SHOWN:
                    page.wait_for_selector(_SHOWN[shot.page])
                when_settled(page)
                page.screenshot(path=folder / shot.file)
        except (Error, AssertionError) as error:
            failed.append(f"{shot.file}: {error}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", action="store_true", help="all themes, languages and widths of all pages")
    parser.add_argument("--to", type=Path, default=ROOT / "docs/screenshots", help="folder (default: %(default)s)")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="stock-screenshots-") as folder:
        env = demo_environment(Path(folder), _SECONDS_PER_SESSION)
        with running_demo(env, Path(folder)) as url, running_browser() as browser:
            pages = prepare(url)
            failed = take(browser, url, every(pages) if options.every else wanted(pages), options.to)
    print(*failed, sep="\n", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
