"""The platform's flows for people: what there is, when it runs, starting one, following it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from stock_mlops.errors import DependencyUnavailableError, NotFoundError
from stock_mlops.services.etl_control import STATES, State
from stock_mlops.stores.prefect_server import DeploymentState, RunState

# Loads are started by POST /api/datasets/etl, which knows files and has a report.
STARTED_ELSEWHERE = frozenset({"etl"})


class FlowServer(Protocol):
    """``stores.prefect_server.PrefectServer``, or dictionaries in a test."""

    def start(self, deployment: str, parameters: Mapping[str, Any]) -> str: ...

    def state(self, run_id: str) -> RunState: ...

    def deployments(self) -> Sequence[DeploymentState]: ...


@dataclass(frozen=True, slots=True)
class FlowRunStatus:
    id: UUID
    state: State
    created_at: datetime
    message: str
    """What the server says of the state."""


class FlowControl:
    def __init__(self, server: FlowServer) -> None:
        self._server = server

    def flows(self) -> list[DeploymentState]:
        """By name.

        Raises:
            DependencyUnavailableError: the Prefect server does not answer.
        """
        return sorted(self._server.deployments(), key=lambda item: item.flow)

    def start(self, flow: str, parameters: Mapping[str, Any]) -> FlowRunStatus:
        """
        Raises:
            NotFoundError: there is no such flow, or it is started elsewhere.
            InvalidRequestError: the parameters are not the flow's.
            DependencyUnavailableError: the Prefect server does not answer.
        """
        if flow in STARTED_ELSEWHERE:
            raise NotFoundError(f"the flow {flow} is started by POST /api/datasets/etl")
        known = [item.flow for item in self._server.deployments()]
        if not known:
            raise DependencyUnavailableError("the workflows service", "it has not registered its flows yet")
        if flow not in known:
            startable = ", ".join(sorted(set(known) - STARTED_ELSEWHERE))
            raise NotFoundError(f"there is no flow {flow[:100]}; there are {startable}")
        return self.status(UUID(self._server.start(f"{flow}/{flow}", parameters)))

    def status(self, run_id: UUID) -> FlowRunStatus:
        """
        Raises:
            NotFoundError: there is no such run.
            DependencyUnavailableError: the Prefect server does not answer.
        """
        run = self._server.state(str(run_id))
        return FlowRunStatus(run_id, STATES.get(run.type, "running"), run.created_at, run.message)
