"""What MLflow knows about the models."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.schemas.common import ResponseModel


class MlflowModelVersion(ResponseModel):
    name: str
    version: int
    run_id: str
    aliases: list[str]
    created_at: datetime


class MlflowModels(ResponseModel):
    items: list[MlflowModelVersion]


class MlflowArtifact(ResponseModel):
    path: str
    is_dir: bool
    size: int | None = None


class MlflowRun(ResponseModel):
    """One model's newest version as MLflow holds it."""

    model_id: UUID
    registered_name: str
    version: int
    run_id: str
    status: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    artifacts: list[MlflowArtifact]
