"""The record of ETL runs and their reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Engine, text

RunState = Literal["running", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class EtlRun:
    id: UUID
    source: str
    state: RunState
    flow_run_id: str | None
    report: dict[str, Any]
    started_at: datetime
    finished_at: datetime | None


class EtlRuns:
    """Runs, newest first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, source: str, flow_run_id: str | None = None) -> UUID:
        run_id = uuid4()
        with self._engine.begin() as connection:
            connection.execute(
                text("INSERT INTO etl_runs (id, source, state, flow_run_id) VALUES (:id, :source, 'running', :flow)"),
                {"id": run_id, "source": source, "flow": flow_run_id},
            )
        return run_id

    def update(self, run_id: UUID, report: Mapping[str, Any]) -> None:
        """Show how far a run is; one that has ended keeps its report."""
        with self._engine.begin() as connection:
            connection.execute(
                text("UPDATE etl_runs SET report = CAST(:report AS jsonb) WHERE id = :id AND state = 'running'"),
                {"id": run_id, "report": orjson.dumps(report).decode()},
            )

    def finish(self, run_id: UUID, state: RunState, report: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE etl_runs SET state = :state, report = CAST(:report AS jsonb), finished_at = now()"
                    " WHERE id = :id"
                ),
                {"id": run_id, "state": state, "report": orjson.dumps(report).decode()},
            )

    def of_flow_run(self, flow_run_id: str) -> EtlRun | None:
        """The newest run of a flow run, which may have been tried more than once; None before it began."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT id, source, state, flow_run_id, report, started_at, finished_at FROM etl_runs"
                    " WHERE flow_run_id = :flow ORDER BY started_at DESC LIMIT 1"
                ),
                {"flow": flow_run_id},
            ).one_or_none()
        return None if row is None else EtlRun(*row)

    def list(self, limit: int = 50) -> list[EtlRun]:
        with self._engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT id, source, state, flow_run_id, report, started_at, finished_at FROM etl_runs"
                    " ORDER BY started_at DESC LIMIT :limit"
                ),
                {"limit": limit},
            ).all()
        return [EtlRun(*row) for row in rows]
