"""Takes scheduled flow runs from the Prefect server and runs them in threads of this process.

Prefect's own ``Runner`` starts a process per flow run, 6 s of CPU to import what this process holds already, for it
replays the sample with the same code. Here a run begins within a second or two. It ends early when it is cancelled in
Prefect's page, and a run left behind by a process that died is run again: flows must be safe to repeat and must call
:func:`check_cancelled` now and then. See ``docs/decisions/0007-flow-runs-in-threads.md``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import Abort, PrefectException
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry, Cancelled, Crashed, Pending
from prefect.utilities.engine import propose_state_sync
from stock_kit.clock import wall_now
from stock_kit.logging import get_logger, log_context

from stock_mlops.workflows.catching_up import catch_up
from stock_mlops.workflows.deployment import Deployment
from stock_mlops.workflows.schedules import Due

log = get_logger(__name__)

POLL_SECONDS = 1.0
"""How often the server is asked for work: a person who started a run waits for it."""
_RECONNECT_SECONDS = 2.0
_LOOK_SECONDS = 60.0
"""How often schedules that follow what is stored are looked at."""
_STOP_SECONDS = 15.0
# A run that took its process down so often is not started again.
_MOST_ATTEMPTS = 3
# Runs one query returns; more than one process leaves behind.
_PAGE = 100

_cancel_event: ContextVar[threading.Event | None] = ContextVar("cancel_event", default=None)


class FlowCancelledError(Exception):
    """The flow run was cancelled, or its process is stopping."""


def check_cancelled() -> None:
    """Raise :class:`FlowCancelledError` when the flow run around the caller is to end."""
    event = _cancel_event.get()
    if event is not None and event.is_set():
        raise FlowCancelledError("the flow run was cancelled")


@dataclass(frozen=True)
class _Active:
    thread: threading.Thread
    cancel: threading.Event


class FlowRunner:
    """Serves deployments from a thread of its own, through restarts of the Prefect server.

    Args:
        deployments: what can be started.
        name: tells this runner's flow runs from those of other replicas; the same after a restart.
        limit: flow runs at once.
        slots: concurrency limits of the server's by name, which tasks wait for.
    """

    def __init__(
        self, deployments: Sequence[Deployment], *, name: str, limit: int, slots: Mapping[str, int] | None = None
    ) -> None:
        self._deployments = deployments
        self._name = name
        self._limit = limit
        self._slots = slots or {}
        self._registered: dict[UUID, Deployment] = {}
        self._due: dict[str, tuple[Due, ...]] = {}
        self._looked_at = 0.0
        self._active: dict[UUID, _Active] = {}
        self._stop = threading.Event()
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow-runner", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether the deployments are registered and the server answered the last poll."""
        return self._connected.is_set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the runs at work, hand them back to the server, and stop."""
        self._stop.set()
        self._thread.join(timeout=_STOP_SECONDS + 5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._serve()
            except (httpx.HTTPError, PrefectException, OSError, RuntimeError) as error:
                log.warning("prefect_unavailable", error=str(error) or type(error).__name__)
            self._connected.clear()
            self._stop.wait(_RECONNECT_SECONDS)
        try:
            self._hand_back()
        except (httpx.HTTPError, PrefectException, OSError, RuntimeError) as error:
            log.warning("flow_runs_not_handed_back", error=str(error))

    def _serve(self) -> None:
        """Register and poll until told to stop, or until the server fails to answer."""
        # Registered anew after every outage: the server may have come back with another database.
        self._registered = {self._register(deployment): deployment for deployment in self._deployments}
        self._looked_at = time.monotonic()
        with get_client(sync_client=True) as client:
            for name, slots in self._slots.items():
                client.upsert_global_concurrency_limit_by_name(name, slots)
            self._take_over_left_behind(client)
            for deployment_id, deployment in self._registered.items():
                catch_up(client, deployment_id, self._due[deployment.name])
            log.info("deployments_served", names=[f"{d.flow.name}/{d.name}" for d in self._deployments])
            self._connected.set()
            while not self._stop.wait(POLL_SECONDS):
                self._poll(client)

    def _register(self, deployment: Deployment) -> UUID:
        self._due[deployment.name] = due = self._find_due(deployment)
        return deployment.register(due)

    def _find_due(self, deployment: Deployment) -> tuple[Due, ...]:
        try:
            return deployment.all_due()
        except Exception as error:  # noqa: BLE001  a store that does not answer yet: what is known stays
            log.warning("schedule_unknown", deployment=deployment.name, error=f"{type(error).__name__}: {error}")
            return self._due.get(deployment.name, deployment.due)

    def _follow_schedules(self) -> None:
        """Register again what is due at other moments than before."""
        if time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        for deployment in self._deployments:
            if self._find_due(deployment) != self._due[deployment.name]:
                self._register(deployment)
                log.info("schedule_followed", deployment=deployment.name)

    def _poll(self, client: SyncPrefectClient) -> None:
        self._follow_schedules()
        self._active = {key: active for key, active in self._active.items() if active.thread.is_alive()}
        self._notice_cancellations(client)
        free = self._limit - len(self._active)
        if free <= 0:
            return
        due = client.get_scheduled_flow_runs_for_deployments(
            list(self._registered), scheduled_before=wall_now(), limit=free
        )
        for response in due:
            if response.id not in self._active and self._claim(client, response.id):
                self._begin(client.read_flow_run(response.id))

    def _claim(self, client: SyncPrefectClient, run_id: UUID) -> bool:
        """Whether the run is ours: the server lets one replica take it from scheduled to pending."""
        try:
            state = propose_state_sync(client, Pending(), flow_run_id=run_id)
        except Abort:
            return False
        if not state.is_pending():
            return False
        client.update_flow_run(run_id, infrastructure_pid=self._name)
        return True

    def _begin(self, run: FlowRun) -> None:
        if run.deployment_id is None:
            return
        cancel = threading.Event()
        flow = self._registered[run.deployment_id].flow
        thread = threading.Thread(
            target=self._execute, args=(flow, run, cancel), name=f"flow-run-{run.name}", daemon=True
        )
        self._active[run.id] = _Active(thread, cancel)
        thread.start()

    def _execute(self, flow: Flow[..., Any], run: FlowRun, cancel: threading.Event) -> None:
        _cancel_event.set(cancel)
        with log_context(flow_run_id=str(run.id)):
            started = time.monotonic()
            try:
                run_flow(flow, flow_run=run, return_type="state")
            except Abort as error:
                log.info("flow_run_aborted", reason=str(error))
            except Exception:
                # The server did not learn how the run ended; it is found among those left behind and run again.
                log.exception("flow_run_interrupted")
            log.info("flow_run_ended", flow=flow.name, seconds=round(time.monotonic() - started, 3))

    def _notice_cancellations(self, client: SyncPrefectClient) -> None:
        if not self._active:
            return
        wanted = FlowRunFilter(
            id=FlowRunFilterId(any_=list(self._active)),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CANCELLING])),
        )
        runs = client.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=len(self._active)
        )
        for run in runs:
            active = self._active[run.id]
            active.cancel.set()
            active.thread.join(timeout=_STOP_SECONDS)
            client.set_flow_run_state(run.id, Cancelled(), force=True)
            log.info("flow_run_cancelled", flow_run_id=str(run.id))

    def _take_over_left_behind(self, client: SyncPrefectClient) -> None:
        """Runs that a dead process of this name had taken, or whose end the server did not hear of."""
        unfinished = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=unfinished))),
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=list(self._registered))),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=_PAGE,
        )
        for run in runs:
            active = self._active.get(run.id)
            if run.infrastructure_pid == self._name and not (active and active.thread.is_alive()):
                self._give_back(client, run)

    def _hand_back(self) -> None:
        """End what runs, and let whoever serves next run it again."""
        running = {key: active for key, active in self._active.items() if active.thread.is_alive()}
        if not running:
            return
        for active in running.values():
            active.cancel.set()
        deadline = time.monotonic() + _STOP_SECONDS
        for active in running.values():
            active.thread.join(timeout=max(0.0, deadline - time.monotonic()))
        with get_client(sync_client=True) as client:
            for run_id in running:
                run = client.read_flow_run(run_id)
                if run.state is None or not run.state.is_completed():
                    self._give_back(client, run)

    def _give_back(self, client: SyncPrefectClient, run: FlowRun) -> None:
        if run.state is not None and run.state.is_cancelling():
            client.set_flow_run_state(run.id, Cancelled(), force=True)
        elif run.run_count >= _MOST_ATTEMPTS:
            message = f"its process ended {run.run_count} times while it ran; not tried again"
            client.set_flow_run_state(run.id, Crashed(message=message), force=True)
            log.error("flow_run_given_up", flow_run_id=str(run.id), attempts=run.run_count)
        else:
            client.set_flow_run_state(run.id, AwaitingRetry(), force=True)
            log.warning("flow_run_queued_again", flow_run_id=str(run.id), attempts=run.run_count)
