#!/usr/bin/env python3
"""Takes the screenshots of docs/screenshots/ from a demo of its own: ``make screenshots``.

With ``--every`` each page in both themes, both languages and both widths, for people who change the page.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
from playwright.sync_api import Browser, Error

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.demo import demo_environment, running_browser, running_demo  # noqa: E402
from tests.e2e.pages import all_pages, open_page, when_settled  # noqa: E402

# Slow enough that the replay still goes on when the last picture is taken.
_SECONDS_PER_SESSION = 3.0
# So many forecasts have to have met their actual closes, for pages that show how they did.
_SETTLED = 12
_PATIENCE = 420.0
_ENDED = ("completed", "failed", "cancelled")

# Long enough for its retrainings to be decided, short enough to be gone through in a minute or two.
_SIMULATION = {"first": "2010-01-04", "last": "2010-06-30", "tickers": ["AAPL", "MSFT"], "name": "Early 2010 once more"}

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
    """Have some months gone through, a model retrained and forecasts settled; the pages with what shows them.

    Raises:
        TimeoutError: one of them did not come about in time.
    """
    simulation = _post(f"{url}/api/simulations", _SIMULATION)["simulation_id"]
    _wait(lambda: _get(f"{url}/api/simulations/{simulation}")["state"] == "completed", "the simulation was completed")
    pages = all_pages(url)
    model = pages["model"].rpartition("/")[2]
    _post(f"{url}/api/models/{model}/retrainings", {"reason": "a new quarter"})
    _wait(lambda: _has_challenger(url, model), "a challenger was trained")
    _wait(lambda: _settled(url) >= _SETTLED, f"{_SETTLED} forecasts were settled")
    return pages | {"simulation": f"/simulations/{simulation}"}


def _has_challenger(url: str, model: str) -> bool:
    """Takes the loop on from where it is, which else happens every few minutes."""
    run = _post(f"{url}/api/flows/retraining/runs", {})["run_id"]
    _wait(lambda: _get(f"{url}/api/flows/runs/{run}")["state"] in _ENDED, "the flow ended")
    newest = _get(f"{url}/api/models/{model}/retrainings", limit="1")["items"][0]
    return newest["challenger"] is not None


def _wait(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected that {what} within {_PATIENCE:.0f} s; look at the logs of the demo")
        time.sleep(1)


def _get(address: str, **query: str) -> Any:
    return httpx.get(address, params=query).raise_for_status().json()


def _post(address: str, body: Mapping[str, object]) -> Any:
    return httpx.post(address, json=body).raise_for_status().json()


def _path(url: str) -> str:
    """A path of future forecasts, made just now: the replay goes on, and with it what the future is."""
    task = _post(f"{url}/api/predict/future/", {"ticker": "AAPL", "exchange": "US", "days": 5})
    return f"&path={task['task_id']}"


def _settled(url: str) -> int:
    return len(_get(f"{url}/api/predict/", ticker="AAPL", exchange="US", settled="true", limit="200")["items"])


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
