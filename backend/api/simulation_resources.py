"""What backend1's simulation routes ask. The service imports polars, so it is made when it is first asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from stock_kit.links import SignedLinks
from stock_kit.settings import Settings
from stock_mlops.simulation.plan import Plan
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.queue import JobQueue
from stock_mlops.stores.simulations import Decision, Simulation, SimulationPage

if TYPE_CHECKING:
    from stock_mlops.services.simulation_desk import SimulationDesk


class SimulationOffice(Protocol):
    """``services.simulation_desk.SimulationDesk``, and who signs the addresses of its reports."""

    @property
    def links(self) -> SignedLinks: ...

    def start(self, plan: Plan, name: str, actor: str) -> Simulation: ...

    def get(self, simulation_id: UUID) -> Simulation: ...

    def page(self, limit: int, cursor: Cursor | None) -> SimulationPage: ...

    def decisions(self, simulation_id: UUID, limit: int, offset: int) -> tuple[int, Sequence[Decision]]: ...

    def cancel(self, simulation_id: UUID) -> Simulation: ...

    def resume(self, simulation_id: UUID) -> Simulation: ...

    def delete(self, simulation_id: UUID) -> None: ...

    def report(self, simulation_id: UUID, kind: str) -> bytes: ...


class LateSimulations:
    """The real :class:`SimulationOffice`."""

    def __init__(self, settings: Settings, queue: JobQueue, links: SignedLinks) -> None:
        self._settings = settings
        self._queue = queue
        self.links = links

    @cached_property
    def _desk(self) -> SimulationDesk:
        from stock_mlops.services.simulation_opening import make_simulation_desk

        return make_simulation_desk(self._settings, self._queue)

    def start(self, plan: Plan, name: str, actor: str) -> Simulation:
        return self._desk.start(plan, name, actor)

    def get(self, simulation_id: UUID) -> Simulation:
        return self._desk.get(simulation_id)

    def page(self, limit: int, cursor: Cursor | None) -> SimulationPage:
        return self._desk.page(limit, cursor)

    def decisions(self, simulation_id: UUID, limit: int, offset: int) -> tuple[int, Sequence[Decision]]:
        return self._desk.decisions(simulation_id, limit, offset)

    def cancel(self, simulation_id: UUID) -> Simulation:
        return self._desk.cancel(simulation_id)

    def resume(self, simulation_id: UUID) -> Simulation:
        return self._desk.resume(simulation_id)

    def delete(self, simulation_id: UUID) -> None:
        self._desk.delete(simulation_id)

    def report(self, simulation_id: UUID, kind: str) -> bytes:
        return self._desk.report(simulation_id, kind)
