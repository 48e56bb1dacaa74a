"""What MLflow knows about the models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from stock_mlops.errors import NotFoundError

from api.dependencies import Train
from api.errors import problems
from api.routes.models import find_model
from api.schemas.mlflow import MlflowArtifact, MlflowModels, MlflowModelVersion, MlflowRun

router = APIRouter(prefix="/api/mlflow", tags=["mlflow"])

# RFC 9745, section 2.1: since when it is deprecated, a Date of RFC 9651 (seconds since the epoch; 2026-11-01).
_DEPRECATED = "@1793491200"


@router.get("/models", deprecated=True, responses=problems(503), summary="Models as MLflow lists them")
def list_mlflow_models(resources: Train, response: Response) -> MlflowModels:
    """Use `GET /api/models`."""
    response.headers["Deprecation"] = _DEPRECATED
    response.headers["Link"] = '</api/models/>; rel="successor-version"'
    registered = resources.mlflow.registered_models()
    return MlflowModels(items=[_version(item, version) for item in registered for version in _latest(item)])


@router.get("/{model_id}", responses=problems(404, 503), summary="One model's run and version in MLflow")
def get_mlflow_model(model_id: UUID, resources: Train) -> MlflowRun:
    """The newest version's parameters, metrics and artifacts."""
    find_model(resources.catalog, model_id)
    versions = resources.catalog.versions(model_id)
    if not versions:
        raise NotFoundError(f"model {model_id} has not been trained yet; POST /api/train with its model_id")
    newest = versions[0]
    run = resources.mlflow.run(newest.run_id)
    info, data = run["info"], run.get("data", {})
    return MlflowRun(
        model_id=model_id,
        registered_name=newest.registered_name,
        version=newest.version,
        run_id=newest.run_id,
        status=info["status"],
        started_at=_moment(info.get("start_time")),
        finished_at=_moment(info.get("end_time")),
        params={item["key"]: item["value"] for item in data.get("params", [])},
        metrics={
            item["key"]: item["value"] for item in data.get("metrics", []) if isinstance(item["value"], float | int)
        },
        tags={item["key"]: item["value"] for item in data.get("tags", [])},
        artifacts=[
            MlflowArtifact(path=item["path"], is_dir=item.get("is_dir", False), size=_whole(item.get("file_size")))
            for item in resources.mlflow.artifacts(newest.run_id)
        ],
    )


def _latest(registered: dict[str, Any]) -> list[dict[str, Any]]:
    versions: list[dict[str, Any]] = registered.get("latest_versions", [])
    return versions


def _version(registered: dict[str, Any], version: dict[str, Any]) -> MlflowModelVersion:
    aliases = [item["alias"] for item in registered.get("aliases", []) if item["version"] == version["version"]]
    return MlflowModelVersion(
        name=registered["name"],
        version=int(version["version"]),
        run_id=version.get("run_id", ""),
        aliases=aliases,
        created_at=_moment(version["creation_timestamp"]) or datetime.fromtimestamp(0, UTC),
    )


def _moment(milliseconds: object) -> datetime | None:
    """MLflow's JSON writes 64-bit numbers as text."""
    return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC) if milliseconds else None


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))
