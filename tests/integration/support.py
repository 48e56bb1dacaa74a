"""What the integration tests share: the stack's type, waiting for a fact, training through the API."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, Protocol

import httpx
from clickhouse_connect.driver.client import Client
from stock_kit.settings import Settings
from stock_mlops.stores.clickhouse import get_client


class Stack(Protocol):
    """The running local profile, as ``tests/conftest.py`` starts it."""

    settings: Settings
    env: dict[str, str]
    url: str

    def stop(self, name: str) -> None: ...
    def start(self, name: str) -> None: ...
    def kill(self, name: str, signal: int = 9) -> None: ...
    def wait_ready(self, name: str) -> None: ...
    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]: ...


def wait_for(fact: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait until ``fact()`` holds; a server that does not answer yet counts as not yet."""
    deadline = monotonic() + seconds
    last: Exception | None = None
    while monotonic() < deadline:
        try:
            if fact():
                return
            last = None
        except (httpx.TransportError, KeyError, ValueError) as error:
            last = error
        sleep(0.25)
    raise AssertionError(f"waited {seconds:g} s in vain for {what}") from last


def clickhouse(settings: Settings) -> Client:
    return get_client(settings.clickhouse)


def predict(stack: Stack, **request: Any) -> dict[str, Any]:
    """One prediction through the API."""
    with httpx.Client(base_url=stack.url, timeout=30) as api:
        answer = api.post("/api/predict/", json={"exchange": "US", **request})
    assert answer.status_code == 200, answer.text
    prediction: dict[str, Any] = answer.json()
    return prediction


def train(stack: Stack, **definition: Any) -> dict[str, Any]:
    """Train through the API and return the finished job."""
    with httpx.Client(base_url=stack.url, timeout=30) as api:
        accepted = api.post("/api/train", json={"exchange": "US", **definition})
        assert accepted.status_code == 202, accepted.text
        url = accepted.headers["Location"]
        wait_for(
            lambda: api.get(url).json()["state"] in {"completed", "failed"}, seconds=180, what=f"training {definition}"
        )
        job: dict[str, Any] = api.get(url).json()
    assert job["state"] == "completed", job
    return job


def make_champion(stack: Stack, result: dict[str, Any]) -> None:
    """Let the version of a finished training serve, whatever the gate said of it."""
    if result["alias"] != "champion":
        done = stack.cli("promote", result["registered_name"], str(result["version"]), "--force")
        assert done.returncode == 0, done.stdout + done.stderr
