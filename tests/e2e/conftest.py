"""Two demos, one after the other, and one browser for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.demo import demo_environment, running_browser, running_demo


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The platform without data comes first: it is down again before the demo starts, which serves all other tests. Two
    of them at once would only make each other slow."""
    items.sort(key=lambda item: "empty_url" not in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="module")
def empty_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return demo_environment(tmp_path_factory.mktemp("empty"), seconds_per_session=2)


@pytest.fixture(scope="module")
def empty_url(empty_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a platform without any prices or models; it goes down with the module."""
    with running_demo(empty_env, tmp_path_factory.mktemp("elsewhere"), empty=True) as address:
        yield address


@pytest.fixture(scope="session")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return demo_environment(tmp_path_factory.mktemp("demo"), seconds_per_session=2)


@pytest.fixture(scope="session")
def url(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the demo."""
    with running_demo(env, tmp_path_factory.mktemp("elsewhere")) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=30_000)  # two cores run the whole stack and the browser
    with running_browser() as chromium:
        yield chromium


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
