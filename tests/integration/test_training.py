"""Training over the real stack: what MLflow and the catalog hold afterwards, and what happens when something dies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import psutil
import pytest
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.instruments import Instrument
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.jobs import Job, Jobs, JobState
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.postgres import get_engine

from tests.integration.support import Stack, make_champion, train, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

# Long enough to be interrupted, some ten seconds on an idle machine.
SLOW = {"model_type": "random_forest", "horizon": 2, "params": {"n_estimators": 200}}


@pytest.fixture(scope="module")
def api(stack: Stack, sample_loaded: None) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client


@pytest.fixture
def mlflow(stack: Stack) -> Iterator[MlflowRest]:
    client = MlflowRest(stack.settings.mlflow)
    yield client
    client.close()


@pytest.fixture(scope="module")
def trained(stack: Stack, api: httpx.Client) -> dict[str, Any]:
    """The finished job of a training of IBM, whose version serves."""
    job = train(stack, ticker="IBM", model_type="ridge", horizon=2, seed=11)
    make_champion(stack, job["result"])
    return job


@pytest.fixture(scope="module")
def catalog(stack: Stack) -> Catalog:
    return Catalog(get_engine(stack.settings.model_meta_db))


def row(stack: Stack, task_id: str) -> Job:
    job = Jobs(get_engine(stack.settings.model_meta_db), stack.settings.jobs).get(UUID(task_id))
    assert job is not None
    return job


def submit(api: httpx.Client, **definition: Any) -> str:
    answer = api.post("/api/train", json={"exchange": "US", **definition})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["task_id"])


def test_a_training_leaves_a_run_a_registered_version_and_a_champion(
    trained: dict[str, Any], catalog: Catalog, mlflow: MlflowRest, tmp_path: Path
) -> None:
    result = trained["result"]
    champion = catalog.serving(Instrument("US", "IBM"))
    assert champion is not None
    assert (champion.version, champion.run_id) == (result["version"], result["run_id"])
    assert [item["horizon"] for item in result["metrics"]["horizons"]] == [1, 2]

    run = mlflow.run(champion.run_id)
    params = {item["key"]: item["value"] for item in run["data"]["params"]}
    metrics = {item["key"] for item in run["data"]["metrics"]}
    tags = {item["key"]: item["value"] for item in run["data"]["tags"]}
    assert (params["model_type"], params["seed"], params["horizon"]) == ("ridge", "11", "2")
    assert {"rmse_h1", "skill_h2", "dm_p_value_h1", "bias_h2"} <= metrics
    version = catalog.versions(UUID(result["model_id"]))[0]
    assert (tags["data_version"], tags["job_id"]) == (version.data_version, trained["task_id"])
    assert run["info"]["status"] == "FINISHED"
    plots = {item["path"].removeprefix("plots/") for item in mlflow.artifacts(champion.run_id, "plots")}
    assert {
        "backtest.png",
        "cumulative_skill.png",
        "learning_curve.png",
        "permutation_importance.png",
        "roc.png",
    } <= plots

    mlflow.download(champion.artifact_uri, tmp_path)
    bundle = ForecastBundle.load(tmp_path)
    assert bundle.info.data_version == version.data_version
    assert bundle.predict_rows(np.zeros((1, len(bundle.features)))).shape == (1, 2)


def test_mlflow_serves_the_registered_model_by_its_alias(stack: Stack, trained: dict[str, Any]) -> None:
    program = """
import json, sys
import mlflow
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/stock-US-IBM@champion")
answer = model.predict(model.input_example)
print(json.dumps(answer.to_dict("list")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, stack.settings.mlflow.tracking_uri],
        env=stack.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert sorted(answer) == ["return_1", "return_2"]
    assert all(abs(values[0]) < 0.2 for values in answer.values())


def test_the_same_definition_again_is_a_new_version_of_one_model(
    stack: Stack, sample_loaded: None, catalog: Catalog
) -> None:
    first = train(stack, ticker="MSFT", model_type="random_walk", horizon=1)["result"]
    second = train(stack, ticker="MSFT", model_type="random_walk", horizon=1)["result"]
    assert first["model_id"] == second["model_id"]
    assert second["version"] == first["version"] + 1
    versions = catalog.versions(UUID(first["model_id"]))
    assert [(item.version, item.alias) for item in versions[:2]] == [
        (second["version"], second["alias"]),
        (first["version"], None),
    ]


def test_too_little_history_is_told_with_the_minimum_and_leaves_no_champion(
    stack: Stack, api: httpx.Client, catalog: Catalog
) -> None:
    task = submit(api, ticker="FB", model_type="ridge", horizon=5)
    wait_for(lambda: row(stack, task).state.is_final, seconds=120, what="the training to end")
    status = api.get(f"/api/train/status/{task}").json()
    assert status["state"] == "failed"
    assert "expected at least 372 sessions" in status["error"]["detail"]
    assert row(stack, task).attempts == 1
    assert catalog.serving(Instrument("US", "FB")) is None


def test_the_command_line_trains_and_shows_the_evidence(stack: Stack, sample_loaded: None) -> None:
    done = stack.cli("train", "GOOG", "--model", "ridge", "--horizon", "2", "--param", "alpha=500")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stock-US-GOOG version" in done.stdout
    assert "random walk" in done.stdout
    refused = stack.cli("train", "GOOG", "--features", "retrun_1")
    assert refused.returncode == 1
    assert "did you mean return_1" in " ".join(refused.stderr.split())


def test_a_killed_training_process_is_run_again_within_a_minute_and_committed_once(
    stack: Stack, api: httpx.Client, catalog: Catalog
) -> None:
    task = submit(api, ticker="GOOG", seed=101, **SLOW)
    wait_for(lambda: "fold" in row(stack, task).stage, seconds=90, what="the training to fit")
    before = row(stack, task)
    assert before.worker is not None
    for child in psutil.Process(int(before.worker.rpartition(":")[2])).children():
        child.kill()
    wait_for(lambda: row(stack, task).fence > before.fence, seconds=60, what="the job to be claimed again")
    wait_for(lambda: row(stack, task).state is JobState.COMPLETED, seconds=400, what="the second run to end")
    assert row(stack, task).attempts == 2
    versions = catalog.versions(definition_id(catalog, ticker="GOOG", seed=101))
    assert [str(version.job_id) for version in versions] == [task]


def test_a_stopped_worker_gives_its_training_back_at_once(stack: Stack, api: httpx.Client, catalog: Catalog) -> None:
    task = submit(api, ticker="GOOG", seed=102, **SLOW)
    wait_for(lambda: "fold" in row(stack, task).stage, seconds=90, what="the training to fit")
    stack.stop("celery_train")
    try:
        released = row(stack, task)
        assert (released.state, released.attempts) == (JobState.PENDING, 0)
    finally:
        stack.start("celery_train")
    wait_for(lambda: row(stack, task).state is JobState.COMPLETED, seconds=400, what="the training to end")
    assert len(catalog.versions(definition_id(catalog, ticker="GOOG", seed=102))) == 1


def test_a_training_that_cannot_reach_mlflow_waits_for_it(stack: Stack, api: httpx.Client) -> None:
    stack.stop("mlflow")
    try:
        task = submit(api, ticker="MSFT", model_type="ridge", horizon=1, seed=103)
        wait_for(lambda: (row(stack, task).error or {}) != {}, seconds=120, what="the first run to fail")
        error = row(stack, task).error
        assert error is not None
        assert "MLflow" in error["detail"]
        assert not row(stack, task).state.is_final
    finally:
        stack.start("mlflow")
    wait_for(lambda: row(stack, task).state is JobState.COMPLETED, seconds=250, what="the training to succeed")


def definition_id(catalog: Catalog, *, ticker: str, seed: int) -> UUID:
    return catalog.create_definition(parse_spec({"ticker": ticker, "seed": seed, **SLOW})).id
