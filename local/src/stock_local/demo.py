"""What ``stock-mlops up --demo`` does once the stack runs: the sample's prices, a trained model, a forecast."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import Future
from typing import Any

from rich.status import Status
from stock_kit.settings import Settings
from stock_mlops.cli.console import console
from stock_mlops.cli.http import call

from stock_local.control import ControlError
from stock_local.control import call as call_supervisor
from stock_local.paths import Layout

_FIRST = "AAPL"
_OTHERS = ("MSFT", "IBM", "GOOG")
_FINAL = ("completed", "failed", "cancelled")
_PATIENCE = 180.0
_MODEL_PATIENCE = 20.0  # backend2 takes over a new version within ten seconds
_POLL = 0.25


def _definition(ticker: str) -> dict[str, Any]:
    return {"ticker": ticker, "exchange": "US", "model_type": "ridge", "horizon": 5}


def load_sample(settings: Settings, layout: Layout) -> None:
    """Load the sample by a flow run as soon as the services that take part are ready, unless it is there already.

    Raises:
        ControlError: it could not be loaded; the text says why.
    """
    call_supervisor(layout, "start", timeout=None, services=["workflows", "backend1"])
    items = call("GET", f"{settings.backend1.url}/api/datasets")["items"]
    if any(item["ticker"] == _FIRST and item["exchange"] == "US" for item in items):
        return
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


def _forecast(backend: str) -> dict[str, Any]:
    """A forecast of the trained model; until backend2 has loaded it, it answers with a random walk."""
    deadline = time.monotonic() + _MODEL_PATIENCE
    while True:
        made = call("POST", f"{backend}/api/predict/", {"ticker": _FIRST, "exchange": "US", "horizon": 1})
        if not made["fallback"] or time.monotonic() > deadline:
            return made
        time.sleep(_POLL)


def run_demo(settings: Settings, loading: Future[None]) -> None:
    """Leave a fresh stack with something to look at, once the sample is loaded; what is done already is not repeated.

    Raises:
        ControlError: a step failed; the text says why.
    """
    backend1, backend2 = settings.backend1.url, settings.backend2.url
    with console.status("Loading real prices of AAPL, MSFT, IBM, GOOG and FB by a Prefect flow run") as status:
        loading.result()
        console.print("[green]✓[/] Sample prices loaded")
        # A model of an older release, whose files are not read any more, answers as none does: by a random walk.
        trained = _has_model(backend1) and not _forecast(backend2)["fallback"]
        if not trained:
            _train(backend1, status)
            console.print(f"[green]✓[/] Model of {_FIRST} trained and registered")
        status.update("Asking for a forecast")
        made = _forecast(backend2)
        if not trained:
            for ticker in _OTHERS:  # they arrive while one looks around
                call("POST", f"{backend1}/api/train", _definition(ticker))
    console.print(
        f"[green]✓[/] {_FIRST} closed at {made['last_close']:.2f} on {made['as_of']};"
        f" {made['model_name']} says {made['predicted_close']:.2f} for {made['target_session']}",
        highlight=False,
    )
