"""The platform's flows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from api.schemas.common import BodyModel, JobState, JsonObject, ResponseModel


class FlowState(ResponseModel):
    name: str
    description: str
    schedules: list[str] = Field(description="when it is started by itself: an interval, or cron and time zone")
    parameters: list[str] = Field(
        description="names of what it takes; all may be left out but exchange, where it is one"
    )
    startable: bool = Field(description="by POST /api/flows/{name}/runs")
    last_run_id: UUID | None
    last_run_state: JobState | None
    last_run_at: datetime | None
    next_run_at: datetime | None


class FlowStates(ResponseModel):
    items: list[FlowState]


class FlowRunRequest(BodyModel):
    parameters: JsonObject = Field(default_factory=dict, description="of the flow, e.g. tickers; none: the flow's own")


class FlowRunAccepted(ResponseModel):
    run_id: UUID
    state: JobState
    status_url: str


class FlowRun(ResponseModel):
    run_id: UUID
    state: JobState
    created_at: datetime
    message: str = Field(description="what the Prefect server says of its state")
