"""Simulations, what they decided and what they saw, in model_meta_db."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Engine, Row, text
from sqlalchemy.exc import IntegrityError

from stock_mlops.errors import ConflictError
from stock_mlops.simulation.plan import Plan
from stock_mlops.simulation.state import Stage, State, before
from stock_mlops.stores.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Simulation:
    """One, as it stands."""

    id: UUID
    name: str
    plan: Plan
    state: State
    stage: Stage
    """What is to be done next."""
    session: date | None
    """The session at work; None before the first."""
    sessions_done: int
    sessions_total: int
    counts: Mapping[str, int]
    """So far, by what is counted."""
    pace: float | None
    """Seconds that a session takes, mean of the newest."""
    summary: Mapping[str, Any] | None
    """``simulation.summary.Summary`` in plain values, once it is completed."""
    error: Mapping[str, str] | None
    """``title``, ``detail`` and ``code``."""
    job_id: UUID | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class SimulationPage:
    items: Sequence[Simulation]
    """The newest first."""
    next_cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a simulation has come."""

    stage: Stage
    session: date | None
    sessions_done: int
    counts: Mapping[str, int] = field(default_factory=dict)
    pace: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A step of one of its retrainings."""

    retraining_id: UUID
    revision: int
    session: date
    ticker: str
    event: str
    from_state: str | None
    to_state: str
    challenger: int | None
    detail: str
    checks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SimulatedAlert:
    fingerprint: str
    raised: date
    """The session at whose end it was first seen."""
    resolved: date | None
    """The first at whose end it was not seen any more."""
    detector: str
    subject: str
    """What was looked at: ``US:AAPL``."""
    severity: str
    title: str
    detail: str


class SimulationOpenError(ConflictError):
    code = "simulation_open"
    title = "A simulation is at work already"


_COLUMNS = (
    "id, name, plan, state, stage, session, sessions_done, sessions_total, counts, pace, summary, error, job_id,"
    " created_by, created_at, started_at, updated_at, finished_at"
)
_DECISION = "retraining_id, revision, session, ticker, event, from_state, to_state, challenger, detail, checks"
_ALERT = "fingerprint, raised, resolved, detector, subject, severity, title, detail"


class Simulations:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, plan: Plan, name: str, actor: str, state: State) -> Simulation:
        """
        Raises:
            SimulationOpenError: one is at work.
        """
        values = {
            "id": str(uuid4()),
            "name": name,
            "plan": plan.model_dump_json(),
            "state": state,
            "stage": Stage.PREPARE,
            "total": len(plan.sessions()),
            "actor": actor,
        }
        statement = text(f"""
            INSERT INTO simulations (id, name, plan, state, stage, sessions_total, created_by)
            VALUES (:id, :name, CAST(:plan AS jsonb), :state, :stage, :total, :actor) RETURNING {_COLUMNS}
        """)  # noqa: S608  the columns are a constant
        try:
            with self._engine.begin() as tx:
                return _simulation(tx.execute(statement, values).one())
        except IntegrityError as error:
            raise _open_error(error) from error

    def get(self, simulation_id: UUID) -> Simulation | None:
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"SELECT {_COLUMNS} FROM simulations WHERE id = :id"),  # noqa: S608
                {"id": str(simulation_id)},
            ).first()
        return None if row is None else _simulation(row)

    def open(self) -> Simulation | None:
        """The one that is at work, or is going to be."""
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"SELECT {_COLUMNS} FROM simulations WHERE state IN ('pending', 'running')")  # noqa: S608
            ).first()
        return None if row is None else _simulation(row)

    def page(self, limit: int, cursor: Cursor | None = None) -> SimulationPage:
        """The newest that were started before ``cursor``."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text(f"""
                    SELECT {_COLUMNS} FROM simulations
                    WHERE CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (:at, CAST(:id AS uuid))
                    ORDER BY created_at DESC, id DESC LIMIT :limit
                """),  # noqa: S608
                {"at": cursor and cursor.at, "id": cursor and str(cursor.id), "limit": limit + 1},
            ).all()
        items = [_simulation(row) for row in rows[:limit]]
        more = len(rows) > limit
        return SimulationPage(items, Cursor(items[-1].created_at, items[-1].id) if more else None)

    def move(
        self,
        simulation_id: UUID,
        state: State,
        *,
        error: Mapping[str, str] | None = None,
        summary: Mapping[str, Any] | None = None,
        job_id: UUID | None = None,
    ) -> Simulation | None:
        """Change its state where ``simulation.state.NEXT`` allows it, else None.

        Raises:
            SimulationOpenError: it would be the second one at work.
        """
        statement = text(f"""
            UPDATE simulations SET state = :state, updated_at = clock_timestamp(),
                error = CAST(:error AS jsonb), summary = COALESCE(CAST(:summary AS jsonb), summary),
                job_id = CASE WHEN :carried THEN CAST(:job_id AS uuid) ELSE job_id END,
                stage = CASE WHEN :state = 'completed' THEN 'done' ELSE stage END,
                started_at = CASE WHEN :state = 'running' THEN COALESCE(started_at, clock_timestamp())
                    ELSE started_at END,
                finished_at = CASE WHEN :ended THEN clock_timestamp() END
            WHERE id = :id AND state = ANY (CAST(:before AS text[])) RETURNING {_COLUMNS}
        """)  # noqa: S608
        values = {
            "id": str(simulation_id),
            "state": state,
            "before": [item.value for item in before(state)],
            "error": None if error is None else orjson.dumps(error).decode(),
            "summary": None if summary is None else orjson.dumps(summary).decode(),
            "job_id": None if job_id is None else str(job_id),
            # Who begins, or is to begin, says which job carries it; None: a process without one.
            "carried": state.is_open,
            "ended": state in (State.COMPLETED, State.FAILED, State.CANCELLED),
        }
        try:
            with self._engine.begin() as tx:
                row = tx.execute(statement, values).first()
        except IntegrityError as conflict:
            raise _open_error(conflict) from conflict
        return None if row is None else _simulation(row)

    def advance(self, simulation_id: UUID, position: Position, decisions: Sequence[Decision] = ()) -> bool:
        """Enter how far it has come, and what it decided on the way; False when it is not running any more."""
        with self._engine.begin() as tx:
            done = tx.execute(
                text("""
                    UPDATE simulations SET stage = :stage, session = :session, sessions_done = :done,
                        counts = CAST(:counts AS jsonb), pace = COALESCE(:pace, pace), updated_at = clock_timestamp()
                    WHERE id = :id AND state = 'running'
                """),
                {
                    "id": str(simulation_id),
                    "stage": position.stage,
                    "session": position.session,
                    "done": position.sessions_done,
                    "counts": orjson.dumps(position.counts).decode(),
                    "pace": position.pace,
                },
            )
            if not done.rowcount:
                return False
            for decision in decisions:
                tx.execute(_ENTER_DECISION, _decision_values(simulation_id, decision))
        return True

    def decisions(
        self, simulation_id: UUID, limit: int | None = None, offset: int = 0
    ) -> tuple[int, Sequence[Decision]]:
        """How many there are, and some of them, the newest first."""
        values = {"id": str(simulation_id), "limit": limit, "offset": offset}
        with self._engine.begin() as tx:
            total = tx.execute(text("SELECT count(*) FROM simulation_decisions WHERE simulation_id = :id"), values)
            rows = tx.execute(
                text(
                    f"SELECT {_DECISION} FROM simulation_decisions WHERE simulation_id = :id"  # noqa: S608
                    " ORDER BY position DESC LIMIT :limit OFFSET :offset"
                ),
                values,
            ).all()
            return int(total.scalar_one()), [_decision(row) for row in rows]

    def alerts(self, simulation_id: UUID) -> list[SimulatedAlert]:
        """The oldest first."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text(
                    f"SELECT {_ALERT} FROM simulation_alerts WHERE simulation_id = :id"  # noqa: S608
                    " ORDER BY raised, fingerprint"
                ),
                {"id": str(simulation_id)},
            ).all()
        return [SimulatedAlert(**row._mapping) for row in rows]

    def enter_alerts(
        self, simulation_id: UUID, raised: Sequence[SimulatedAlert], resolved: Sequence[str], session: date
    ) -> None:
        """Enter new alerts, and that those of the fingerprints ``resolved`` were over at ``session``."""
        columns = ", ".join(f":{name.strip()}" for name in _ALERT.split(","))
        with self._engine.begin() as tx:
            for alert in raised:
                tx.execute(
                    text(
                        f"INSERT INTO simulation_alerts (simulation_id, {_ALERT}) VALUES (:id, {columns})"  # noqa: S608
                        " ON CONFLICT DO NOTHING"
                    ),
                    {"id": str(simulation_id), **{name: getattr(alert, name) for name in SimulatedAlert.__slots__}},
                )
            if resolved:
                tx.execute(
                    text("""
                        UPDATE simulation_alerts SET resolved = :session
                        WHERE simulation_id = :id AND resolved IS NULL AND fingerprint = ANY (CAST(:ended AS text[]))
                    """),
                    {"id": str(simulation_id), "session": session, "ended": list(resolved)},
                )

    def delete(self, simulation_id: UUID) -> bool:
        """With its decisions and alerts; False when it is at work, or is no more."""
        with self._engine.begin() as tx:
            done = tx.execute(
                text("DELETE FROM simulations WHERE id = :id AND state NOT IN ('pending', 'running')"),
                {"id": str(simulation_id)},
            )
        return bool(done.rowcount)


# A step that is entered again after a crash is in its place already.
_ENTER_DECISION = text(f"""
    INSERT INTO simulation_decisions (simulation_id, position, {_DECISION})
    SELECT :id, COALESCE(max(position), 0) + 1, :retraining_id, :revision, :session, :ticker, :event, :from_state,
        :to_state, :challenger, :detail, CAST(:checks AS jsonb)
    FROM simulation_decisions WHERE simulation_id = :id
    ON CONFLICT (simulation_id, retraining_id, revision) DO NOTHING
""")  # noqa: S608


def _decision_values(simulation_id: UUID, decision: Decision) -> dict[str, Any]:
    return {
        **{name: getattr(decision, name) for name in Decision.__slots__},
        "id": str(simulation_id),
        "retraining_id": str(decision.retraining_id),
        "checks": orjson.dumps(list(decision.checks)).decode(),
    }


def _open_error(error: IntegrityError) -> SimulationOpenError:
    if "simulations_open" not in str(error.orig):
        raise error
    return SimulationOpenError("a simulation is at work; wait for its end, or cancel it (GET /api/simulations)")


def _simulation(row: Row[Any]) -> Simulation:
    values = dict(row._mapping)
    for name in ("id", "job_id"):
        values[name] = None if values[name] is None else UUID(str(values[name]))
    values["plan"] = Plan.model_validate(values["plan"])
    values["state"] = State(values["state"])
    values["stage"] = Stage(values["stage"])
    return Simulation(**values)


def _decision(row: Row[Any]) -> Decision:
    return Decision(**{**row._mapping, "retraining_id": UUID(str(row.retraining_id))})
