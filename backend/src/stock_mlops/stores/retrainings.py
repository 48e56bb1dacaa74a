"""Retrainings, their steps and the models' policies, in model_meta_db.

A change of state and its step are one transaction, conditional on the revision that its author has seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection, Engine, Row, text
from sqlalchemy.exc import IntegrityError

from stock_mlops.errors import ConflictError
from stock_mlops.retraining.cycle import Event, State, after
from stock_mlops.retraining.policy import Policy, mend


@dataclass(frozen=True, slots=True)
class Retraining:
    """One, as it stands."""

    id: UUID
    model_id: UUID
    registered_name: str
    state: State
    reasons: Sequence[Mapping[str, Any]]
    """``retraining.policy.Reason`` in plain values."""
    policy: Policy
    """As it was when the retraining began."""
    champion: int
    """The version that served when it began."""
    challenger: int | None
    job_id: UUID | None
    """Of the training."""
    session: date
    """The newest one when it began."""
    since: date | None
    """The session at which the shadow, later the probation, began."""
    revision: int
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A model's policy, as far as it still makes sense."""

    model_name: str
    policy: Policy
    problem: str
    """What of it does not; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a retraining's trail."""

    revision: int
    at: datetime
    session: date
    event: Event
    from_state: State | None
    to_state: State
    actor: str
    detail: str
    checks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class NewRetraining:
    model_id: UUID
    registered_name: str
    state: State
    reasons: Sequence[Mapping[str, Any]]
    policy: Policy
    champion: int
    session: date


@dataclass(frozen=True, slots=True)
class Note:
    """What a step is entered with."""

    actor: str
    detail: str
    session: date
    checks: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a step found out; None leaves what is known."""

    challenger: int | None = None
    job_id: UUID | None = None
    since: date | None = None


@dataclass(frozen=True, slots=True)
class RetrainingRecord:
    """A retraining with its trail, the oldest step first."""

    retraining: Retraining
    steps: Sequence[Step] = field(default=())


class RetrainingOpenError(ConflictError):
    code = "retraining_open"
    title = "A retraining is under way already"


_COLUMNS = (
    "id, model_id, registered_name, state, reasons, policy, champion, challenger, job_id, session, since, revision,"
    " created_at, updated_at, ended_at"
)


class Retrainings:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def policy(self, model_id: UUID) -> Policy | None:
        """None: nobody has given the model one. See :func:`mend` for one that no longer makes sense."""
        with self._engine.begin() as tx:
            found = tx.execute(
                text("SELECT policy FROM retraining_policies WHERE model_id = :id"), {"id": str(model_id)}
            ).scalar()
        return None if found is None else mend(found)[0]

    def set_policy(self, model_id: UUID, policy: Policy, actor: str) -> None:
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    INSERT INTO retraining_policies (model_id, policy, updated_by)
                    VALUES (:id, CAST(:policy AS jsonb), :actor)
                    ON CONFLICT (model_id) DO UPDATE
                        SET policy = excluded.policy, updated_by = excluded.updated_by, updated_at = now()
                """),
                {"id": str(model_id), "policy": policy.model_dump_json(), "actor": actor},
            )

    def policies(self) -> dict[UUID, StoredPolicy]:
        """Of the models that are not deleted."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT p.model_id, p.policy, d.name FROM retraining_policies p
                    JOIN model_definitions d ON d.id = p.model_id AND d.deleted_at IS NULL ORDER BY p.model_id
                """)
            ).all()
        return {UUID(str(row.model_id)): StoredPolicy(row.name, *mend(row.policy)) for row in rows}

    def begin(self, new: NewRetraining, note: Note) -> Retraining:
        """
        Raises:
            RetrainingOpenError: one of the registered name is open.
        """
        values = {
            "id": str(uuid4()),
            "model_id": str(new.model_id),
            "name": new.registered_name,
            "state": new.state,
            "reasons": orjson.dumps(list(new.reasons)).decode(),
            "policy": new.policy.model_dump_json(),
            "champion": new.champion,
            "session": new.session,
        }
        try:
            with self._engine.begin() as tx:
                row = tx.execute(
                    text(f"""
                        INSERT INTO retrainings
                            (id, model_id, registered_name, state, reasons, policy, champion, session)
                        VALUES (:id, :model_id, :name, :state, CAST(:reasons AS jsonb), CAST(:policy AS jsonb),
                            :champion, :session)
                        RETURNING {_COLUMNS}
                    """),  # noqa: S608  the columns are a constant
                    values,
                ).one()
                _enter(tx, _retraining(row), Event.BEGAN, None, note)
        except IntegrityError as error:
            if "retrainings_open" not in str(error.orig):
                raise
            raise RetrainingOpenError(
                f"{new.registered_name}: a retraining is under way; wait for its end, or cancel it"
            ) from error
        return _retraining(row)

    def move(self, seen: Retraining, event: Event, note: Note, found: Found | None = None) -> Retraining | None:
        """Let an event happen to a retraining as ``seen``; None when somebody else has moved it since.

        Raises:
            TransitionError: the event cannot happen in its state.
        """
        state, found = after(seen.state, event), found or Found()
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"""
                    UPDATE retrainings SET state = :state, revision = revision + 1, updated_at = clock_timestamp(),
                        challenger = COALESCE(:challenger, challenger), since = COALESCE(:since, since),
                        job_id = COALESCE(CAST(:job_id AS uuid), job_id),
                        ended_at = CASE WHEN :final THEN clock_timestamp() END
                    WHERE id = :id AND revision = :seen RETURNING {_COLUMNS}
                """),  # noqa: S608
                {
                    "state": state,
                    "challenger": found.challenger,
                    "since": found.since,
                    "job_id": None if found.job_id is None else str(found.job_id),
                    "final": state.is_final,
                    "id": str(seen.id),
                    "seen": seen.revision,
                },
            ).first()
            if row is None:
                return None
            moved = _retraining(row)
            _enter(tx, moved, event, seen.state, note)
        return moved

    def get(self, retraining_id: UUID) -> Retraining | None:
        found = self._select("id = :id", {"id": str(retraining_id)}, 1)
        return found[0] if found else None

    def current(self) -> list[RetrainingRecord]:
        """Of each name the newest one, with its steps, while it is open and for an hour after its end: whoever ended it
        may have died before telling of it."""
        found = self._select("ended_at IS NULL OR ended_at > clock_timestamp() - interval '1 hour'", {}, None)
        return self._with_steps({item.registered_name: item for item in reversed(found)}.values())

    def not_ended_before(self, moment: datetime) -> list[UUID]:
        """Those that are under way, or ended at ``moment`` (aware) or later."""
        with self._engine.begin() as tx:
            found = tx.execute(
                text("SELECT id FROM retrainings WHERE ended_at IS NULL OR ended_at >= :moment"), {"moment": moment}
            ).scalars()
            return [UUID(str(item)) for item in found]

    def newest(self, registered_name: str) -> Retraining | None:
        found = self._select("registered_name = :name", {"name": registered_name}, 1)
        return found[0] if found else None

    def records(self, model_id: UUID | None, limit: int, states: Sequence[State] = ()) -> list[RetrainingRecord]:
        """The newest retrainings of a model (None: of all), with their steps; only those in ``states``, if any."""
        found = self._select(
            "(CAST(:id AS uuid) IS NULL OR model_id = CAST(:id AS uuid))"
            " AND (CAST(:states AS text[]) = '{}' OR state = ANY (CAST(:states AS text[])))",
            {"id": None if model_id is None else str(model_id), "states": [state.value for state in states]},
            limit,
        )
        return self._with_steps(found)

    def _with_steps(self, found: Collection[Retraining]) -> list[RetrainingRecord]:
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT retraining_id, revision, at, session, event, from_state, to_state, actor, detail, checks
                    FROM retraining_steps WHERE retraining_id = ANY (CAST(:ids AS uuid[]))
                    ORDER BY retraining_id, revision
                """),
                {"ids": [str(item.id) for item in found]},
            ).all()
        steps: dict[UUID, list[Step]] = {}
        for row in rows:
            steps.setdefault(UUID(str(row.retraining_id)), []).append(_step(row))
        return [RetrainingRecord(item, steps[item.id]) for item in found]

    def _select(self, condition: str, values: Mapping[str, Any], limit: int | None) -> list[Retraining]:
        with self._engine.begin() as tx:
            rows = tx.execute(
                text(
                    f"SELECT {_COLUMNS} FROM retrainings WHERE {condition}"  # noqa: S608  the conditions are constants
                    " ORDER BY created_at DESC, id LIMIT :limit"
                ),
                {**values, "limit": limit},
            ).all()
        return [_retraining(row) for row in rows]


def _enter(tx: Connection, moved: Retraining, event: Event, before: State | None, note: Note) -> None:
    tx.execute(
        text("""
            INSERT INTO retraining_steps
                (retraining_id, revision, session, event, from_state, to_state, actor, detail, checks)
            VALUES (:id, :revision, :session, :event, :from, :to, :actor, :detail, CAST(:checks AS jsonb))
        """),
        {
            "id": str(moved.id),
            "revision": moved.revision,
            "session": note.session,
            "event": event,
            "from": before,
            "to": moved.state,
            "actor": note.actor,
            "detail": note.detail,
            "checks": orjson.dumps(list(note.checks)).decode(),
        },
    )


def _retraining(row: Row[Any]) -> Retraining:
    values = dict(row._mapping)
    for name in ("id", "model_id", "job_id"):
        values[name] = None if values[name] is None else UUID(str(values[name]))
    values["state"] = State(values["state"])
    # What began under a policy that a later release would refuse goes on all the same, and is shown.
    values["policy"], _ = mend(values["policy"])
    return Retraining(**values)


def _step(row: Row[Any]) -> Step:
    values = {name: value for name, value in row._mapping.items() if name != "retraining_id"}
    before = values["from_state"]
    return Step(
        **{
            **values,
            "event": Event(values["event"]),
            "from_state": None if before is None else State(before),
            "to_state": State(values["to_state"]),
        }
    )
