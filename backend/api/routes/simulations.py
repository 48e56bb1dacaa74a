"""The time machine: start simulations, follow them, read what came of them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from starlette.responses import HTMLResponse
from stock_mlops.errors import NotFoundError
from stock_mlops.retraining.policy import Policy
from stock_mlops.services.simulation_desk import parse_plan
from stock_mlops.simulation.plan import monthly
from stock_mlops.simulation.state import State
from stock_mlops.stores import simulations as store
from stock_mlops.stores.cursor import Cursor

from api.dependencies import Actor, Train
from api.errors import problems
from api.routes.monitoring import PAGE_HEADERS
from api.schemas.common import JobError
from api.schemas.monitoring import PageQuery
from api.schemas.retraining import RetrainingPolicy
from api.schemas.simulations import (
    DecisionQuery,
    Simulation,
    SimulationAccepted,
    SimulationCounts,
    SimulationDecision,
    SimulationDecisions,
    SimulationPage,
    SimulationPlan,
    SimulationQuery,
    SimulationReportQuery,
    SimulationRequest,
    SimulationSummary,
)
from api.simulation_resources import SimulationOffice

router = APIRouter(prefix="/api/simulations", tags=["simulations"])

_ONE = "/{simulation_id:uuid}"
_MARKDOWN = "text/markdown; charset=utf-8"


@router.post("", status_code=202, responses=problems(409, 503), summary="Start a simulation")
def start_simulation(body: SimulationRequest, resources: Train, actor: Actor, response: Response) -> SimulationAccepted:
    """Replays history session by session in a platform of its own on the same servers: nothing of it mixes with what
    is served. One at a time."""
    return _accepted(resources.simulations.start(parse_plan(_plan_values(body)), body.name, actor), response)


@router.get("", responses=problems(503), summary="List the simulations")
def list_simulations(query: Annotated[SimulationQuery, Query()], resources: Train) -> SimulationPage:
    """Newest first."""
    office = resources.simulations
    page = office.page(query.limit, None if query.cursor is None else Cursor.decode(query.cursor))
    return SimulationPage(
        items=[_simulation(item, office) for item in page.items],
        next_cursor=page.next_cursor and page.next_cursor.encode(),
    )


@router.get(_ONE, responses=problems(404, 503), summary="Where a simulation stands, and what came of it")
def get_simulation(simulation_id: UUID, resources: Train) -> Simulation:
    return _simulation(resources.simulations.get(simulation_id), resources.simulations)


@router.get(f"{_ONE}/decisions", responses=problems(404, 503), summary="What a simulation decided so far")
def list_simulation_decisions(
    simulation_id: UUID, query: Annotated[DecisionQuery, Query()], resources: Train
) -> SimulationDecisions:
    """Every step of its retrainings, newest first."""
    total, items = resources.simulations.decisions(simulation_id, query.limit, query.offset)
    told = [SimulationDecision.model_validate(item, from_attributes=True) for item in items]
    return SimulationDecisions(total=total, items=told)


@router.post(f"{_ONE}/cancel", responses=problems(404, 409, 503), summary="Cancel a simulation")
def cancel_simulation(simulation_id: UUID, resources: Train) -> Simulation:
    """For good; whoever is at work on it stops within seconds."""
    return _simulation(resources.simulations.cancel(simulation_id), resources.simulations)


@router.post(f"{_ONE}/resume", status_code=202, responses=problems(404, 409, 503), summary="Go on with a simulation")
def resume_simulation(simulation_id: UUID, resources: Train, response: Response) -> SimulationAccepted:
    """One that was interrupted or failed, from where it stood."""
    return _accepted(resources.simulations.resume(simulation_id), response)


@router.delete(_ONE, status_code=204, responses=problems(404, 409, 503), summary="Forget a simulation")
def delete_simulation(simulation_id: UUID, resources: Train) -> Response:
    """With its report and everything that it left on the servers; not while it is at work."""
    resources.simulations.delete(simulation_id)
    return Response(status_code=204)


@router.get(
    f"{_ONE}/report",
    response_class=HTMLResponse,
    responses={**problems(404, 503), 200: {"content": {"text/html": {}, "text/markdown": {}}}},
    summary="The report of a simulation",
)
def get_simulation_report(
    simulation_id: UUID, query: Annotated[SimulationReportQuery, Query()], resources: Train
) -> Response:
    """HTML or Markdown. A browser shows it at its `page_url`."""
    content = resources.simulations.report(simulation_id, query.format)
    if query.format == "markdown":
        return Response(content, media_type=_MARKDOWN, headers=PAGE_HEADERS)
    return HTMLResponse(content, headers=PAGE_HEADERS)


@router.get(
    "/pages/{simulation_id:uuid}",
    response_class=HTMLResponse,
    responses=problems(404, 503),
    summary="The report of a simulation in a frame or a tab",
)
def show_simulation_report(simulation_id: UUID, query: Annotated[PageQuery, Query()], resources: Train) -> HTMLResponse:
    """At a signed address, which the simulation tells and which is good for an hour: a frame cannot say who asks."""
    office = resources.simulations
    if not office.links.holds(_signed(simulation_id), query.expires, query.signature):
        raise NotFoundError(
            f"expected an address that GET /api/simulations/{simulation_id} gave within the last hour; ask it again"
        )
    return HTMLResponse(office.report(simulation_id, "html"), headers=PAGE_HEADERS)


def _signed(simulation_id: UUID) -> str:
    return f"simulation {simulation_id}"


def _plan_values(body: SimulationRequest) -> dict[str, Any]:
    if body.policy is not None:
        policy = Policy.model_validate(body.policy.model_dump())
    else:
        policy = Policy() if body.retrain_every is None else monthly(body.retrain_every)
    return {**body.model_dump(exclude={"name", "policy", "retrain_every"}), "policy": policy}


def _accepted(simulation: store.Simulation, response: Response) -> SimulationAccepted:
    status_url = f"/api/simulations/{simulation.id}"
    response.headers["Location"] = status_url
    return SimulationAccepted(simulation_id=simulation.id, state=simulation.state, status_url=status_url)


def _simulation(item: store.Simulation, office: SimulationOffice) -> Simulation:
    done, total = item.sessions_done, item.sessions_total
    left = None if item.pace is None or not item.state.is_open else item.pace * (total - done)
    address = f"/api/simulations/{item.id}"
    finished = item.state is State.COMPLETED
    return Simulation(
        simulation_id=item.id,
        name=item.name,
        state=item.state,
        request=_plan(item),
        stage=item.stage,
        session=item.session,
        sessions_done=done,
        sessions_total=total,
        progress=1.0 if finished else done / max(total, 1),
        seconds_left=left,
        counts=SimulationCounts.model_validate(item.counts),
        summary=None if item.summary is None else SimulationSummary.model_validate(item.summary),
        report_url=f"{address}/report" if finished else None,
        page_url=f"/api/simulations/pages/{item.id}?{office.links.query(_signed(item.id))}" if finished else None,
        error=None if item.error is None else JobError.model_validate(item.error),
        created_by=item.created_by,
        created_at=item.created_at,
        started_at=item.started_at,
        updated_at=item.updated_at,
        finished_at=item.finished_at,
    )


def _plan(item: store.Simulation) -> SimulationPlan:
    values = item.plan.model_dump()
    return SimulationPlan.model_validate({**values, "policy": RetrainingPolicy.model_validate(values["policy"])})
