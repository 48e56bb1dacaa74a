"""A demo of one's own and a browser to look at it: for the tests of the page, and for its screenshots."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import psutil
from playwright.sync_api import Browser, sync_playwright
from stock_kit.settings import Settings, load_settings
from stock_local.testing import stack_environment, use_environment

_CHROMIUM = "/usr/bin/chromium"
# Chromium must not look for Google's servers, and cannot be sandboxed as root.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


_ONE = Lock()


def demo_environment(data_dir: Path, seconds_per_session: float) -> dict[str, str]:
    return stack_environment(data_dir) | {"STOCK_REPLAY__SECONDS_PER_SESSION": str(seconds_per_session)}


def settings_of(env: dict[str, str]) -> Settings:
    with use_environment(env):
        return load_settings()


def cli(env: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stock_mlops.cli", *arguments]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=400, check=False)


@contextmanager
def running_demo(env: dict[str, str], cwd: Path, *, empty: bool = False) -> Iterator[str]:
    """The address of a demo that is up; at the end it is taken down, and nothing may be left of it.

    Args:
        empty: without any prices or models, as on the first visit.

    Raises:
        RuntimeError: it did not come up or go down (the text is what ``up`` or ``down`` said), or another one still
            runs.
    """
    if not _ONE.acquire(blocking=False):
        raise RuntimeError("expected one demo at a time, got a second one: let the tests of the first end before")
    try:
        yield from _run(env, cwd, empty=empty)
    finally:
        _ONE.release()


def _run(env: dict[str, str], cwd: Path, *, empty: bool) -> Iterator[str]:
    settings = settings_of(env)
    up = cli(env, "up", "--detach", *([] if empty else ["--demo"]), cwd=cwd)
    address = f"http://{settings.local.http_host}:{settings.http_port}"
    try:
        if up.returncode != 0 or address not in up.stdout:
            raise RuntimeError(f"the demo did not come up:\n{up.stdout}{up.stderr}")
        yield address
    finally:
        down = cli(env, "down", cwd=cwd)
    left = _leftovers(env["STOCK_LOCAL__DATA_DIR"])
    if down.returncode != 0 or left:
        raise RuntimeError(f"the demo did not go down, {left} is left:\n{down.stdout}{down.stderr}")


def _leftovers(data_dir: str) -> list[str]:
    found = []
    for process in psutil.process_iter(["environ", "cmdline", "status"]):
        of_the_demo = (process.info["environ"] or {}).get("STOCK_LOCAL__DATA_DIR") == data_dir
        if of_the_demo and process.pid != os.getpid() and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(process.info["cmdline"] or []))
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()
