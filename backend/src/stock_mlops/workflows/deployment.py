"""What can be started through the Prefect server, and when it is started by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from prefect import Flow
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from stock_mlops.workflows.schedules import Due


@dataclass(frozen=True)
class Deployment:
    """A flow that can be started through the Prefect server as ``<flow>/<name>``."""

    flow: Flow[..., Any]
    name: str
    description: str
    tags: tuple[str, ...] = ()
    due: tuple[Due, ...] = ()
    """When the server starts it by itself."""
    find_due: Callable[[], Sequence[Due]] | None = None
    """Further moments, which follow what is stored; asked for now and then."""
    at_once: int | None = None
    """How many of its runs may be at work, over all replicas; further ones wait. None: as many as come."""

    def all_due(self) -> tuple[Due, ...]:
        """
        Raises:
            what the store raises that ``find_due`` asks.
        """
        return (*self.due, *(self.find_due() if self.find_due is not None else ()))

    def register(self, due: Sequence[Due]) -> UUID:
        """Create or update it on the server; returns its id.

        Runs that the server scheduled before and that are not due yet follow the new schedule.
        """
        deployment = RunnerDeployment.from_flow(
            self.flow,
            self.name,
            description=self.description,
            tags=list(self.tags),
            schedules=[item.schedule() for item in due],
            concurrency_limit=self.at_once,
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        # A coroutine only inside an event loop, which this thread has none of.
        return cast(UUID, deployment.apply())
