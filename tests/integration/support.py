"""What the integration tests share: the stack's type, waiting for a fact, training through the API."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from datetime import date
from time import monotonic, sleep
from typing import Any, Protocol

import httpx
import polars as pl
from clickhouse_connect.driver.client import Client
from stock_kit.clock import wall_now
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import RAW_SCHEMA
from stock_mlops.services.etl import after_load
from stock_mlops.services.warehouse_sync import WarehouseSync
from stock_mlops.stores.clickhouse import get_client, open_client
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse


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


def load_prices(settings: Settings, instrument: Instrument, first: date, last: date) -> None:
    """A wave of prices, into both stores as an ingest would."""
    sessions = instrument.sessions.between(first, last)
    closes = [100 + 10 * math.sin(number / 9) for number in range(len(sessions))]
    frame = pl.DataFrame(
        {
            "exchange": instrument.exchange,
            "ticker": instrument.ticker,
            "session": sessions,
            "open": closes,
            "high": [close + 1 for close in closes],
            "low": [close - 1 for close in closes],
            "close": closes,
            "volume": [1e6 + number for number in range(len(sessions))],
            "dividend": 0.0,
            "split": 1.0,
            "adj_close": closes,
            "source": "file",
        },
        schema=RAW_SCHEMA,
    )
    raw = RawPrices(get_engine(settings.raw_db))
    raw.upsert(frame, wall_now())
    WarehouseSync(raw, Warehouse(open_client(settings.clickhouse))).run([instrument])
    after_load(settings)([instrument])
