"""What was due while nobody was there to run it is run once, however often it was missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from stock_kit.clock import wall_now
from stock_kit.logging import get_logger

from stock_mlops.workflows.schedules import Due

log = get_logger(__name__)

# More than a deployment's rhythms have runs between two starts of the service, but for a very long outage: then the
# oldest that wait are dropped at the next start.
_PAGE = 200


def catch_up(client: SyncPrefectClient, deployment_id: UUID, dues: Sequence[Due]) -> None:
    """See to it that each rhythm of a deployment has one run for its newest due moment, and none for those before it
    that nobody began. One that never ran was not there to be missed."""
    now = wall_now()
    known = _newest_runs(client, deployment_id, now) if dues else []
    for due in dues if known else ():
        mine = [run for run in known if _is_of(run, due)]
        # The server keeps what it scheduled until somebody begins it: a night without us is a queue in the morning.
        for run in [run for run in mine if _waits(run)][1:]:
            client.delete_flow_run(run.id)
            known.remove(run)
        last = due.last(now)
        if not any(run.expected_start_time is not None and run.expected_start_time >= last for run in mine):
            _start(client, deployment_id, due, last)


def _start(client: SyncPrefectClient, deployment_id: UUID, due: Due, last: datetime) -> None:
    parameters = dict(due.parameters)
    # Of several replicas, and of two restarts in a row, the first one's counts.
    key = f"catch-up-{deployment_id}-{sorted(parameters.items())}-{last.isoformat()}"
    run = client.create_flow_run_from_deployment(deployment_id, parameters=parameters, idempotency_key=key)
    log.info("missed_run_caught_up", due=last.isoformat(), flow_run_id=str(run.id), parameters=parameters)


def _newest_runs(client: SyncPrefectClient, deployment_id: UUID, now: datetime) -> list[FlowRun]:
    """Its runs that were due by now, begun or not, the newest first."""
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(expected_start_time=FlowRunFilterExpectedStartTime(before_=now)),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=_PAGE,
    )


def _is_of(run: FlowRun, due: Due) -> bool:
    """What a person started for some tickers stands for no run over all."""
    return run.parameters == dict(due.parameters)


def _waits(run: FlowRun) -> bool:
    """Scheduled by the server, and nobody has begun it; what a person started waits for its turn."""
    return bool(run.auto_scheduled) and run.state is not None and run.state.is_scheduled() and not run.run_count
