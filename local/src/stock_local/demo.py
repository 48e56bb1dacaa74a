"""What ``stock-mlops up --demo`` does once the stack runs: the sample's prices, a trained model, a forecast."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from rich.status import Status
from stock_kit.settings import Settings
from stock_mlops.cli.console import console
from stock_mlops.cli.http import call

from stock_local.control import ControlError

_FIRST = "AAPL"
_OTHERS = ("MSFT", "IBM", "GOOG")
_FINAL = ("completed", "failed", "cancelled")
_PATIENCE = 180.0
_POLL = 0.25


def _definition(ticker: str) -> dict[str, Any]:
    return {"ticker": ticker, "exchange": "US", "model_type": "ridge", "horizon": 5}


def _sample_loaded(backend: str) -> bool:
    items = call("GET", f"{backend}/api/datasets")["items"]
    return any(item["ticker"] == _FIRST and item["exchange"] == "US" for item in items)


def _load_sample() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stock_mlops.cli", "etl", "--source", "sample"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ControlError(f"The sample could not be loaded:\n{done.stdout}{done.stderr}")


def _has_model(backend: str) -> bool:
    models = call("GET", f"{backend}/api/models")["items"]
    return any(model["ticker"] == _FIRST and model["exchange"] == "US" for model in models)


def _train(backend: str, status: Status) -> None:
    task = call("POST", f"{backend}/api/train", _definition(_FIRST))
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        job = call("GET", backend + task["status_url"])
        status.update(f"Training {_FIRST}: {job['progress']:.0%} {job['stage'] or ''}")
        if job["state"] == "completed":
            return
        if job["state"] in _FINAL:
            raise ControlError(f"The training of {_FIRST} {job['state']}: {job['error']}")
        time.sleep(_POLL)
    raise ControlError(f"The training of {_FIRST} was not done after {_PATIENCE:.0f} s")


def run_demo(settings: Settings) -> None:
    """Leave a fresh stack with something to look at; does nothing that is done already.

    Raises:
        ControlError: a step failed; the text says why.
    """
    backend1, backend2 = settings.backend1.url, settings.backend2.url
    with console.status("Looking for the sample prices") as status:
        if not _sample_loaded(backend1):
            status.update("Loading real prices of AAPL, MSFT, IBM, GOOG and FB by a Prefect flow run")
            _load_sample()
            console.print("[green]✓[/] Sample prices loaded")
        if not _has_model(backend1):
            _train(backend1, status)
            console.print(f"[green]✓[/] Model of {_FIRST} trained and registered")
            for ticker in _OTHERS:  # they arrive while one looks around
                call("POST", f"{backend1}/api/train", _definition(ticker))
        status.update("Asking for a forecast")
        made = call("POST", f"{backend2}/api/predict/", {"ticker": _FIRST, "exchange": "US", "horizon": 1})
    console.print(
        f"[green]✓[/] {_FIRST} closed at {made['last_close']:.2f} on {made['as_of']};"
        f" forecast for {made['target_session']}: [bold]{made['predicted_close']:.2f}[/]",
        highlight=False,
    )
