"""The platform's own state."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

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


class ServiceHealth(ResponseModel):
    name: str
    ok: bool
    seconds: float
    error: str | None = None


class SystemHealth(ResponseModel):
    status: Literal["ok", "degraded"]
    services: list[ServiceHealth]
