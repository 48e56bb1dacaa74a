"""Both backends against their OpenAPI document, by Schemathesis: whatever a request holds that the document describes,
or that it forbids, no server crashes, and every answer is one that is declared.

A dozen cases per operation; ``SCHEMATHESIS=long`` takes 2,000 per reading operation and for predictions, and 100 per
operation that starts jobs or changes something.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from time import sleep
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from api.openapi import document
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from stock_local.testing import LocalStack
from stock_mlops.instruments import MARKETS

from tests.integration.support import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(3600)]

LONG = os.environ.get("SCHEMATHESIS") == "long"
READING, CHANGING = (2000, 100) if LONG else (12, 12)
# They keep nothing that a later case could fall over.
PREDICTING = ("predict", "predict_bulk", "backtest_model")


# What JSON Schema cannot say: rules between fields (a start before its end, a password without the name), cursors, the
# names of features, the tickers of a panel, the horizon of the model that serves. These may refuse by a 422 what the
# schema lets pass; no other may.
SEMANTIC = (
    "create_account",
    "change_account",
    "create_watchlist",
    "replace_watchlist",
    "train",
    "list_trainings",
    "create_model",
    "change_model",
    "predict",
    "predict_bulk",
    "predict_future",
    "list_alerts",
    "list_predictions",
    "list_prices",
    "list_dataset_features",
    "start_etl",
    "upload_prices",
    "backtest_model",
    "start_simulation",
    "list_simulations",
    "list_reports",
)
# How often a request is sent again that was asked to come later.
PATIENCE = 3
ACCEPTED = ["2xx", 401, 403, 404, 409, 410, 422, 429]


def reading_operations() -> list[str]:
    methods = [item for path in document()["paths"].values() for item in path.items()]
    return [*PREDICTING, *(operation["operationId"] for method, operation in methods if method == "get")]


schema = schemathesis.openapi.from_dict(
    document(),
    config=SchemathesisConfig.from_dict(
        {
            # The local profile asks nobody who he is.
            "generation": {"max-examples": CHANGING, "deterministic": not LONG, "with-security-parameters": False},
            "operations": [
                {"include-operation-id": reading_operations(), "generation": {"max-examples": READING}},
                {
                    "include-operation-id": list(SEMANTIC),
                    "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
                },
            ],
        }
    ),
)

# Ids of what is there, put into every other request that may change nothing for good: random ones find nothing.
KNOWN: dict[str, Any] = {}
FINAL_OPERATIONS = ("delete_model", "cancel_training", "delete_dataset")


def is_valid(name: str, value: Any) -> bool:
    """What is wrong on purpose has to stay so."""
    if name.endswith("_id"):
        return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(value)) is not None
    if name == "version":
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return value in MARKETS if name == "exchange" else re.fullmatch(r"[A-Z0-9.^=-]{1,20}", str(value)) is not None


@schema.hook
def flatmap_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> st.SearchStrategy[Any]:
    given = path_parameters or {}
    known = {name: KNOWN[name] for name in given if name in KNOWN and is_valid(name, given[name])}
    if len(known) < len(given) or context.operation.definition.raw["operationId"] in FINAL_OPERATIONS:
        return st.just(path_parameters)
    return st.sampled_from([path_parameters, known])


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@pytest.fixture(scope="module")
def platform(stack: LocalStack) -> Iterator[LocalStack]:
    """Everything runs, the sample is loaded, and a model of it was trained; what the tests start is cancelled."""
    with httpx.Client(base_url=stack.settings.backend1.url, timeout=30) as api:
        if not any(item["ticker"] == "AAPL" for item in api.get("/api/datasets").json()["items"]):
            done = stack.cli("etl", "--source", "sample")
            assert done.returncode == 0, done.stdout + done.stderr
        task = api.post("/api/train", json={"ticker": "AAPL", "horizon": 2, "features": ["return_1"]}).json()
        wait_for(
            lambda: api.get(task["status_url"]).json()["state"] == "completed", seconds=180, what="a first training"
        )
        version = api.get(task["status_url"]).json()["result"]["version"]
        watchlist = api.post("/api/watchlists", json={"name": f"of task {task['task_id']}"}).json()
    KNOWN.update(
        model_id=task["model_id"],
        version=version,
        task_id=task["task_id"],
        watchlist_id=watchlist["watchlist_id"],
        exchange="US",
        ticker="AAPL",
    )
    yield stack
    with httpx.Client(base_url=stack.settings.backend1.url, timeout=60) as api:
        cancel(api, "/api/datasets/etl", "run_id")
        cancel(api, "/api/train", "task_id")
        for item in api.get("/api/simulations").json()["items"]:
            if item["state"] in ("pending", "running"):
                api.post(f"/api/simulations/{item['simulation_id']}/cancel")


def cancel(api: httpx.Client, path: str, key: str) -> None:
    """All jobs that others would have to wait for."""
    for item in api.get(path, params={"limit": 500}).json()["items"]:
        if item["state"] in ("pending", "running"):
            api.delete(f"{path}/{item[key]}")


@schema.parametrize()
def test_every_answer_is_a_declared_one(
    case: schemathesis.Case, platform: LocalStack, session: requests.Session
) -> None:
    backend = platform.settings.backend2 if case.path.startswith("/api/predict") else platform.settings.backend1
    response = case.call(base_url=backend.url, session=session, timeout=60)
    for _ in range(PATIENCE):
        if response.status_code != requests.codes.service_unavailable or "Retry-After" not in response.headers:
            break
        # A busy machine makes a database late, and that is what the answer says; it must pass.
        sleep(float(response.headers["Retry-After"][0]))
        response = case.call(base_url=backend.url, session=session, timeout=60)
    # The local profile asks nobody who he is; what it does when it asks is test_access's business.
    case.validate_response(response, excluded_checks=[checks.ignored_auth])
