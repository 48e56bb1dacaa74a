from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from stock_mlops.stores.catalog import ModelVersion
from stock_mlops.stores.jobs import JobKind, JobState

from .backstage import NOW

if TYPE_CHECKING:
    from .backstage import Backstage

pytestmark = pytest.mark.anyio

RIDGE = {"ticker": "AAPL", "model_type": "ridge", "horizon": 5}


def version(model_id: UUID) -> ModelVersion:
    return ModelVersion(
        model_id=model_id,
        registered_name="stock-US-AAPL",
        version=3,
        run_id="run3",
        artifact_uri="mlflow-artifacts:/x",
        alias="champion",
        data_version="d",
        feature_version="f",
        horizon=5,
        metrics={"1": {"rmse": 0.01}},
        trained_until=date(2012, 6, 29),
        job_id=None,
        created_at=NOW,
    )


@pytest.mark.parametrize("path", ["/api/train", "/api/train/"])
async def test_a_definition_is_trained_by_a_job(train: httpx.AsyncClient, backstage: Backstage, path: str) -> None:
    answer = await train.post(path, json=RIDGE)
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["Location"] == body["status_url"] == f"/api/train/status/{body['task_id']}"
    (job,) = backstage.jobs.values()
    assert job.kind is JobKind.TRAIN
    assert job.payload == {"model_id": body["model_id"]}
    assert UUID(body["model_id"]) in backstage.definitions_


async def test_a_known_model_is_trained_again(train: httpx.AsyncClient) -> None:
    created = (await train.post("/api/models/", json=RIDGE)).json()
    answer = await train.post("/api/train", json={"model_id": created["model_id"]})
    assert answer.json()["model_id"] == created["model_id"]


async def test_an_unknown_model_is_a_404(train: httpx.AsyncClient) -> None:
    answer = await train.post("/api/train", json={"model_id": str(uuid4())})
    assert answer.status_code == 404


async def test_the_same_idempotency_key_gives_the_same_task(train: httpx.AsyncClient, backstage: Backstage) -> None:
    key = {"Idempotency-Key": "train-aapl-1"}
    first, second = [(await train.post("/api/train", json=RIDGE, headers=key)).json() for _ in range(2)]
    assert first == second
    assert len(backstage.jobs) == 1
    other = await train.post("/api/train", json=RIDGE | {"horizon": 3}, headers=key)
    assert other.status_code == 409


async def test_what_is_being_trained_on_the_same_data_is_not_trained_twice_at_once(
    train: httpx.AsyncClient, backstage: Backstage
) -> None:
    first, second = [(await train.post("/api/train", json=RIDGE)).json()["task_id"] for _ in range(2)]
    assert first == second
    backstage.data_version_ = "2"
    assert (await train.post("/api/train", json=RIDGE)).json()["task_id"] != first
    backstage.data_version_ = "1"
    backstage.jobs[UUID(first)] = replace(backstage.jobs[UUID(first)], state=JobState.COMPLETED)
    assert (await train.post("/api/train", json=RIDGE)).json()["task_id"] != first


async def test_an_open_training_is_cancelled_and_an_ended_one_is_not(
    train: httpx.AsyncClient, backstage: Backstage
) -> None:
    task = (await train.post("/api/train", json=RIDGE)).json()["task_id"]
    answer = await train.delete(f"/api/train/{task}")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    again = await train.delete(f"/api/train/{task}")
    assert again.status_code == 409
    assert "cancelled already" in again.json()["detail"]
    assert (await train.delete(f"/api/train/{uuid4()}")).status_code == 404
    other = backstage.add_job(JobKind.PREDICT_FUTURE, {"days": 3})
    assert (await train.delete(f"/api/train/{other.id}")).status_code == 404


async def test_an_expired_result_is_a_410_that_says_how_the_training_ended(
    train: httpx.AsyncClient, backstage: Backstage
) -> None:
    job = backstage.add_job(
        JobKind.TRAIN, {"model_id": str(uuid4())}, state=JobState.COMPLETED, finished_at=NOW, expired_at=NOW
    )
    for method, path in (("GET", f"/api/train/status/{job.id}"), ("DELETE", f"/api/train/{job.id}")):
        answer = await train.request(method, path)
        assert answer.status_code == 410
        assert "ended completed" in answer.json()["detail"]


async def test_trainings_are_listed_in_pages_by_state(train: httpx.AsyncClient, backstage: Backstage) -> None:
    for state in (JobState.RUNNING, JobState.FAILED, JobState.RUNNING):
        backstage.add_job(JobKind.TRAIN, {"model_id": str(uuid4())}, state=state)
    first = (await train.get("/api/train?limit=2")).json()
    second = (await train.get("/api/train/", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert {item["task_id"] for item in first["items"] + second["items"]} == {str(job) for job in backstage.jobs}
    assert second["next_cursor"] is None
    failed = (await train.get("/api/train?state=failed&state=cancelled")).json()
    assert [item["state"] for item in failed["items"]] == ["failed"]
    assert (await train.get("/api/train?cursor=nonsense")).status_code == 422
    assert (await train.get("/api/train?state=lost")).status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model_type": "oracle"}, "model_type"),
        ({"features": ["return_1", "tomorrow"]}, "features"),
        ({"features": []}, "body.features"),
        ({"horizon": 61}, "body.horizon"),
        ({"start": "2012-01-01", "end": "2011-01-01"}, "body"),
        ({"params": {"alpha": -1}}, "params.alpha"),
        ({"params": {"alpha": {"nested": 1}}}, "body.params"),
        ({"seed": -1}, "body.seed"),
        ({"seed": "7"}, "body.seed"),
        ({"seed": True}, "body.seed"),
        ({"validation": {"folds": "5"}}, "body.validation.folds"),
        ({"start": 0}, "body.start"),
        ({"start": "0"}, "body.start"),
        ({"ticker": "a b"}, "body.ticker"),
        ({"ticker": None}, "ticker"),
        ({"panel": "tech", "tickers": ["IBM", "MSFT"]}, "ticker"),
        ({"ticker": None, "panel": "Tech!", "tickers": ["IBM", "MSFT"]}, "body.panel"),
        ({"search": {"trials": 0}}, "body.search.trials"),
        ({"tickr": "AAPL"}, "body.tickr"),
        ({"validation": {"folds": 1}}, "body.validation.folds"),
    ],
)
async def test_a_wrong_definition_is_a_422_that_names_the_field(
    train: httpx.AsyncClient, backstage: Backstage, change: dict[str, Any], field: str
) -> None:
    answer = await train.post("/api/train", json=RIDGE | change)
    assert answer.status_code == 422
    assert any(error["field"].startswith(field) for error in answer.json()["errors"]), answer.json()
    assert backstage.jobs == {}


@pytest.mark.parametrize("key", ["", "x" * 201, "with space"])
async def test_an_unusable_idempotency_key_is_refused(train: httpx.AsyncClient, key: str) -> None:
    answer = await train.post("/api/train", json=RIDGE, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


async def test_the_status_follows_the_job_to_its_result(train: httpx.AsyncClient, backstage: Backstage) -> None:
    model_id = str(uuid4())
    result = {
        "model_id": model_id,
        "registered_name": "stock-US-AAPL",
        "version": 3,
        "run_id": "run3",
        "metrics": {"1": {"rmse": 0.01}},
    }
    fold = {
        "horizon": 1,
        "fold": 1,
        "folds": 5,
        "first": "2010-01-04",
        "last": "2010-06-30",
        "rmse": 0.011,
        "random_walk_rmse": 0.01,
        "direction_accuracy": 0.5,
        "auc": None,
    }
    running = backstage.add_job(
        JobKind.TRAIN, {"model_id": model_id}, state=JobState.RUNNING, progress=0.4, stage="fold 2 of 5", partial=[fold]
    )
    done = backstage.add_job(
        JobKind.TRAIN, {"model_id": model_id}, state=JobState.COMPLETED, progress=1.0, result=result, finished_at=NOW
    )
    status = (await train.get(f"/api/train/status/{running.id}")).json()
    assert (status["state"], status["progress"], status["stage"]) == ("running", 0.4, "fold 2 of 5")
    assert (status["model_id"], status["folds"]) == (model_id, [fold])
    status = (await train.get(f"/api/train/status/{done.id}")).json()
    assert status["result"] == {**result, "alias": None, "verdict": None}


async def test_an_unknown_task_is_a_404(train: httpx.AsyncClient) -> None:
    assert (await train.get(f"/api/train/status/{uuid4()}")).status_code == 404


async def test_models_are_created_once_listed_and_shown_with_their_versions(
    train: httpx.AsyncClient, backstage: Backstage
) -> None:
    created = await train.post("/api/models", json=RIDGE)
    assert created.status_code == 201
    model_id = created.json()["model_id"]
    assert created.headers["Location"] == f"/api/models/{model_id}"
    assert (await train.post("/api/models/", json=RIDGE)).json()["model_id"] == model_id

    page = (await train.get("/api/models?limit=1")).json()
    assert (page["total"], page["items"][0]["registered_name"]) == (1, "stock-US-AAPL")

    backstage.versions_[UUID(model_id)] = [version(UUID(model_id))]
    detail = (await train.get(f"/api/models/{model_id}/")).json()
    assert detail["versions"][0]["alias"] == "champion"
    assert detail["spec"]["horizon"] == 5


async def test_an_unknown_model_cannot_be_shown(train: httpx.AsyncClient) -> None:
    assert (await train.get(f"/api/models/{uuid4()}")).status_code == 404
    assert (await train.get("/api/models/nonsense")).status_code == 404


async def test_mlflows_list_says_that_it_is_deprecated(train: httpx.AsyncClient) -> None:
    answer = await train.get("/api/mlflow/models")
    assert answer.headers["Deprecation"].startswith("@")
    assert "successor-version" in answer.headers["Link"]
    assert answer.json()["items"][0]["aliases"] == ["champion"]


async def test_a_models_run_shows_parameters_finite_metrics_and_artifacts(
    train: httpx.AsyncClient, backstage: Backstage
) -> None:
    model_id = (await train.post("/api/models/", json=RIDGE)).json()["model_id"]
    untrained = await train.get(f"/api/mlflow/{model_id}")
    assert untrained.status_code == 404
    assert "not been trained" in untrained.json()["detail"]

    backstage.versions_[UUID(model_id)] = [version(UUID(model_id))]
    run = (await train.get(f"/api/mlflow/{model_id}")).json()
    assert (run["params"], run["metrics"]) == ({"alpha": "1.0"}, {"rmse": 0.01})
    assert [artifact["path"] for artifact in run["artifacts"]] == ["bundle", "report.json"]
