"""The platform's own state."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from api.schemas.common import ResponseModel


class Alive(ResponseModel):
    status: Literal["ok"] = "ok"
    service: str


class CheckStatus(ResponseModel):
    ok: bool
    seconds: float
    error: str | None = None


class Ready(ResponseModel):
    status: Literal["ready", "not ready"]
    checks: dict[str, CheckStatus]


class Timeline(ResponseModel):
    timeline: Literal["live", "replay"]
    market_now: datetime
    session: date | None = None
    ends_at: date | None = None
    state: Literal["live", "replaying", "ended", "idle"]


class Clock(ResponseModel):
    timelines: list[Timeline]


class Versions(ResponseModel):
    code: str = Field(description="the package's version and a hash of the code that models are made by")
    feature_version: str
    python: str
    packages: dict[str, str] = Field(description="libraries that models are made with")
    schemas: dict[str, str] = Field(description="how far each database is migrated")


class QueueState(ResponseModel):
    name: str
    messages: int = Field(description="in the broker; a job may have several, and needs none while it runs")
    pending: int = Field(description="jobs that wait")
    running: int
    workers: list[str] = Field(description="that answered within half a second")


class Queues(ResponseModel):
    items: list[QueueState]


class Links(ResponseModel):
    """Addresses of other user interfaces; those that are not there are left out."""

    links: dict[str, str]
    up: dict[str, bool] = Field(description="by name: whether it answers the services")


class ServiceHealth(ResponseModel):
    name: str
    ok: bool
    seconds: float
    error: str | None = None


class SystemHealth(ResponseModel):
    status: Literal["ok", "degraded"]
    services: list[ServiceHealth]
