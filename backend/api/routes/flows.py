"""The platform's flows: what there is, when it runs, and starting one. They are Prefect's, and run there."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from stock_mlops.services.etl_control import STATES
from stock_mlops.services.flow_control import STARTED_ELSEWHERE, FlowRunStatus
from stock_mlops.stores.prefect_server import DeploymentState

from api.dependencies import Train
from api.errors import problems
from api.schemas.flows import FlowRun, FlowRunAccepted, FlowRunRequest, FlowState, FlowStates

router = APIRouter(prefix="/api/flows", tags=["flows"])


@router.get("", responses=problems(503), summary="List the platform's flows")
def list_flows(resources: Train) -> FlowStates:
    """With their schedules, newest run and next one."""
    return FlowStates(items=[_flow(item) for item in resources.flows.flows()])


@router.post("/{name}/runs", status_code=202, responses=problems(404, 503), summary="Start a flow")
def start_flow(
    name: Annotated[str, Path(max_length=100)], body: FlowRunRequest, resources: Train, response: Response
) -> FlowRunAccepted:
    """`settlement`, `monitoring`, `retraining`, `report`, `cleanup`, `registry` or `etl-after-close`, at once, beside
    its schedule. Loads of prices are started by `POST /api/datasets/etl`."""
    status = resources.flows.start(name, body.parameters)
    status_url = f"/api/flows/runs/{status.id}"
    response.headers["Location"] = status_url
    return FlowRunAccepted(run_id=status.id, state=status.state, status_url=status_url)


@router.get("/runs/{run_id}", responses=problems(404, 503), summary="State of a flow's run")
def get_flow_run(run_id: UUID, resources: Train) -> FlowRun:
    return _run(resources.flows.status(run_id))


def _flow(item: DeploymentState) -> FlowState:
    return FlowState(
        name=item.flow,
        description=item.description,
        schedules=list(item.schedules),
        parameters=list(item.parameters),
        startable=item.flow not in STARTED_ELSEWHERE,
        last_run_id=None if item.last_run_id is None else UUID(item.last_run_id),
        last_run_state=None if item.last_run_state is None else STATES.get(item.last_run_state, "running"),
        last_run_at=item.last_run_at,
        next_run_at=item.next_run_at,
    )


def _run(status: FlowRunStatus) -> FlowRun:
    return FlowRun(run_id=status.id, state=status.state, created_at=status.created_at, message=status.message)
