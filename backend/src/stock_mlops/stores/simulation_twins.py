"""Simulations in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from stock_mlops.simulation.plan import Plan
from stock_mlops.simulation.state import Stage, State, before
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.simulations import (
    Decision,
    Position,
    SimulatedAlert,
    Simulation,
    SimulationOpenError,
    SimulationPage,
)

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class MemorySimulations:
    """See :class:`stock_mlops.stores.simulations.Simulations`; each change is a second later than the one before."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Simulation] = {}
        self.own_decisions: dict[UUID, list[Decision]] = {}
        self.own_alerts: dict[UUID, list[SimulatedAlert]] = {}
        self._at = _FIRST

    def create(self, plan: Plan, name: str, actor: str, state: State) -> Simulation:
        self._refuse_second(None, state)
        at = self._now()
        made = Simulation(
            id=uuid4(),
            name=name,
            plan=plan,
            state=state,
            stage=Stage.PREPARE,
            session=None,
            sessions_done=0,
            sessions_total=len(plan.sessions()),
            counts={},
            pace=None,
            summary=None,
            error=None,
            job_id=None,
            created_by=actor,
            created_at=at,
            started_at=None,
            updated_at=at,
            finished_at=None,
        )
        self.rows[made.id] = made
        return made

    def get(self, simulation_id: UUID) -> Simulation | None:
        return self.rows.get(simulation_id)

    def open(self) -> Simulation | None:
        return next((row for row in self.rows.values() if row.state.is_open), None)

    def page(self, limit: int, cursor: Cursor | None = None) -> SimulationPage:
        rows = sorted(self.rows.values(), key=lambda row: (row.created_at, row.id), reverse=True)
        if cursor is not None:
            rows = [row for row in rows if (row.created_at, row.id) < (cursor.at, cursor.id)]
        items = rows[:limit]
        return SimulationPage(items, Cursor(items[-1].created_at, items[-1].id) if len(rows) > limit else None)

    def move(
        self,
        simulation_id: UUID,
        state: State,
        *,
        error: Mapping[str, str] | None = None,
        summary: Mapping[str, Any] | None = None,
        job_id: UUID | None = None,
    ) -> Simulation | None:
        row = self.rows.get(simulation_id)
        if row is None or row.state not in before(state):
            return None
        self._refuse_second(simulation_id, state)
        at = self._now()
        ended = state in (State.COMPLETED, State.FAILED, State.CANCELLED)
        self.rows[simulation_id] = replace(
            row,
            state=state,
            stage=Stage.DONE if state is State.COMPLETED else row.stage,
            error=error,
            summary=row.summary if summary is None else summary,
            job_id=job_id if state.is_open else row.job_id,
            started_at=row.started_at or at if state is State.RUNNING else row.started_at,
            updated_at=at,
            finished_at=at if ended else None,
        )
        return self.rows[simulation_id]

    def advance(self, simulation_id: UUID, position: Position, decisions: Sequence[Decision] = ()) -> bool:
        row = self.rows.get(simulation_id)
        if row is None or row.state is not State.RUNNING:
            return False
        self.rows[simulation_id] = replace(
            row,
            stage=position.stage,
            session=position.session,
            sessions_done=position.sessions_done,
            counts=position.counts,
            pace=row.pace if position.pace is None else position.pace,
            updated_at=self._now(),
        )
        known = self.own_decisions.setdefault(simulation_id, [])
        entered = {(item.retraining_id, item.revision) for item in known}
        known += [item for item in decisions if (item.retraining_id, item.revision) not in entered]
        return True

    def decisions(
        self, simulation_id: UUID, limit: int | None = None, offset: int = 0
    ) -> tuple[int, Sequence[Decision]]:
        found = self.own_decisions.get(simulation_id, [])[::-1]
        return len(found), found[offset:][:limit]

    def alerts(self, simulation_id: UUID) -> list[SimulatedAlert]:
        return list(self.own_alerts.get(simulation_id, []))

    def enter_alerts(
        self, simulation_id: UUID, raised: Sequence[SimulatedAlert], resolved: Sequence[str], session: date
    ) -> None:
        known = self.own_alerts.setdefault(simulation_id, [])
        known[:] = [
            replace(item, resolved=session) if item.resolved is None and item.fingerprint in resolved else item
            for item in known
        ]
        entered = {(item.fingerprint, item.raised) for item in known}
        known += [item for item in raised if (item.fingerprint, item.raised) not in entered]

    def delete(self, simulation_id: UUID) -> bool:
        row = self.rows.get(simulation_id)
        if row is None or row.state.is_open:
            return False
        del self.rows[simulation_id]
        return True

    def _refuse_second(self, simulation_id: UUID | None, state: State) -> None:
        seen = self.open()
        if state.is_open and seen is not None and seen.id != simulation_id:
            raise SimulationOpenError("a simulation is at work")

    def _now(self) -> datetime:
        self._at += timedelta(seconds=1)
        return self._at
