from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from stock_mlops.stores.catalog import ModelVersion
from stock_mlops.stores.jobs import JobKind, JobState

from .conftest import NOW

if TYPE_CHECKING:
    from .conftest import Backstage

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
    running = backstage.add_job(
        JobKind.TRAIN, {"model_id": model_id}, state=JobState.RUNNING, progress=0.4, stage="fold 2 of 5"
    )
    done = backstage.add_job(
        JobKind.TRAIN, {"model_id": model_id}, state=JobState.COMPLETED, progress=1.0, result=result, finished_at=NOW
    )
    status = (await train.get(f"/api/train/status/{running.id}")).json()
    assert (status["state"], status["progress"], status["stage"]) == ("running", 0.4, "fold 2 of 5")
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
    assert (await train.get("/api/models/nonsense")).status_code == 422


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
