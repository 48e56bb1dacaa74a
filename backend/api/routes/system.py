"""The platform as a whole: market time, and whether its services are up."""

from __future__ import annotations

from fastapi import APIRouter
from stock_kit.clock import wall_now
from stock_kit.settings import Settings
from stock_mlops.instruments import sessions_of
from stock_mlops.services.platform import links
from stock_mlops.stores.market_clock import ReplayState

from api.dependencies import Train
from api.errors import problems
from api.schemas.system import Clock, Links, Queues, QueueState, ServiceHealth, SystemHealth, Timeline, Versions

router = APIRouter(prefix="/api/system", tags=["system"])


@router.get("/clock", responses=problems(503), summary="Market time of both timelines")
def market_clock(resources: Train) -> Clock:
    now = wall_now()
    live = Timeline(timeline="live", market_now=now, session=sessions_of("US").last_closed(now), state="live")
    replay = resources.clocks.replay()
    return Clock(timelines=[live] if replay is None else [live, _replay(replay, resources.settings)])


@router.get("/versions", responses=problems(503), summary="Code, features, libraries and schemas")
def system_versions(resources: Train) -> Versions:
    return Versions.model_validate(resources.platform.versions(), from_attributes=True)


@router.get("/queues", responses=problems(503), summary="Queues of long jobs, and their workers")
def system_queues(resources: Train) -> Queues:
    states = resources.platform.queue_states()
    return Queues(items=[QueueState.model_validate(state, from_attributes=True) for state in states])


@router.get("/links", responses=problems(), summary="Other user interfaces")
def system_links(resources: Train) -> Links:
    """Each with whether it answers."""
    found = resources.interfaces.report().checks
    return Links(links=links(resources.settings), up={name: result.ok for name, result in found.items()})


@router.get("/health", responses=problems(), summary="Which services answer")
def system_health(resources: Train) -> SystemHealth:
    report = resources.services.report()
    services = [
        ServiceHealth(name=name, ok=result.ok, seconds=result.seconds, error=result.error)
        for name, result in report.checks.items()
    ]
    return SystemHealth(status="ok" if report.ok else "degraded", services=services)


def _replay(state: ReplayState, settings: Settings) -> Timeline:
    running = "replaying" if settings.replay.enabled else "idle"
    return Timeline(
        timeline="replay",
        market_now=state.market_now,
        session=state.session,
        ends_at=state.ends_at,
        state="ended" if state.ended else running,
    )
