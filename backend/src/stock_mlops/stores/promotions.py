"""Which version bears which alias, and the audit trail of every change, in model_meta_db.

A change and its line in the trail are one transaction, under a lock on the registered name. The functions join their
caller's transaction; the class makes its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Engine, text

from stock_mlops.errors import ConflictError, NotFoundError

CHAMPION, CHALLENGER = "champion", "challenger"


class Action(StrEnum):
    ACCEPT = "accept"
    """A training passed the gate and serves."""
    REFUSE = "refuse"
    """A training did not pass the gate; its version is kept as the challenger."""
    SHADOW = "shadow"
    """A retraining's challenger was trained: it serves only when the retraining promotes it."""
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    DELETE = "delete"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class Change:
    """Why something happens, and at whose wish."""

    actor: str
    reason: str = ""
    verdict: Mapping[str, Any] | None = None
    """Of the gate, when it was asked."""
    job_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: int
    at: datetime
    actor: str
    action: Action
    registered_name: str
    from_version: int | None
    """The champion before; of a deletion, the version that was deleted."""
    to_version: int | None
    reason: str
    verdict: Mapping[str, Any] | None
    job_id: UUID | None


def lock_name(connection: Connection, name: str) -> None:
    """Hold off every other change of a registered name until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def version_with(connection: Connection, name: str, alias: str) -> int | None:
    found = connection.execute(
        text("SELECT version FROM model_versions WHERE registered_name = :name AND alias = :alias"),
        {"name": name, "alias": alias},
    ).scalar()
    return None if found is None else int(found)


def set_alias(connection: Connection, name: str, alias: str, version: int | None) -> None:
    """Give the alias to one version (None: to no version); a version bears one at a time."""
    connection.execute(
        text("UPDATE model_versions SET alias = NULL WHERE registered_name = :name AND alias = :alias"),
        {"name": name, "alias": alias},
    )
    connection.execute(
        text("UPDATE model_versions SET alias = :alias WHERE registered_name = :name AND version = :version"),
        {"name": name, "alias": alias, "version": version},
    )


def note(
    connection: Connection, action: Action, name: str, versions: tuple[int | None, int | None], change: Change
) -> None:
    """Enter a line of the trail; ``versions`` are from and to."""
    connection.execute(
        text("""
            INSERT INTO model_audit (actor, action, registered_name, from_version, to_version, reason, verdict, job_id)
            VALUES (:actor, :action, :name, :from, :to, :reason, CAST(:verdict AS jsonb), :job_id)
        """),
        {
            "actor": change.actor,
            "action": action,
            "name": name,
            "from": versions[0],
            "to": versions[1],
            "reason": change.reason,
            "verdict": None if change.verdict is None else orjson.dumps(change.verdict).decode(),
            "job_id": None if change.job_id is None else str(change.job_id),
        },
    )


def former_champion(trail: Iterable[AuditEntry], alive: Iterable[int]) -> int | None:
    """Which version a rollback goes to: the one before the present champion, step by step into the past when it is
    rolled back again.

    Args:
        trail: of one name, the oldest entry first.
        alive: versions that can serve.
    """
    past: list[int] = []
    for entry in trail:
        if entry.action in (Action.ACCEPT, Action.PROMOTE) and entry.from_version is not None:
            past.append(entry.from_version)
        elif entry.action is Action.ROLLBACK and entry.to_version in past:
            # Versions in between were deleted, or the rollback would have stopped at them.
            while past.pop() != entry.to_version:
                continue
    can_serve = set(alive)
    return next((version for version in reversed(past) if version in can_serve), None)


class Promotions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def promote(self, name: str, version: int, expected: int | None, change: Change) -> None:
        """Make a version the champion in place of ``expected``, which the decision was made for.

        Raises:
            NotFoundError: the version does not exist or was deleted.
            ConflictError: it is the champion already, or another one is by now.
        """
        with self._engine.begin() as tx:
            lock_name(tx, name)
            present = version_with(tx, name, CHAMPION)
            if version not in _alive(tx, name):
                raise NotFoundError(_unknown(tx, name, version))
            if present == version:
                raise ConflictError(f"{name} version {version} is the champion already")
            if present != expected:
                raise ConflictError(
                    f"the champion of {name} is version {present} by now, expected {expected}; look at it and ask again"
                )
            set_alias(tx, name, CHAMPION, version)
            note(tx, Action.PROMOTE, name, (present, version), change)

    def rollback(self, name: str, change: Change, expected: int | None = None) -> tuple[int, int]:
        """Make the version before the champion the champion; returns the one that was and the one that is.

        Args:
            expected: the champion that the decision was made about; None: whichever it is.

        Raises:
            NotFoundError: the name has no champion.
            ConflictError: nothing served before it, or another one is the champion by now.
        """
        with self._engine.begin() as tx:
            lock_name(tx, name)
            present = version_with(tx, name, CHAMPION)
            if present is None:
                raise NotFoundError(f"{name} has no champion to roll back; stock-mlops models lists what there is")
            if expected not in (None, present):
                raise ConflictError(
                    f"the champion of {name} is version {present} by now, expected {expected}; look at it and ask again"
                )
            alive = [version for version in _alive(tx, name) if version != present]
            former = former_champion(_trail(tx, name), alive)
            if former is None:
                raise ConflictError(
                    f"{name} version {present} has no predecessor that could serve; promote a version by its number"
                )
            set_alias(tx, name, CHAMPION, former)
            note(tx, Action.ROLLBACK, name, (present, former), change)
        return present, former

    def audit(self, name: str | None = None, limit: int = 50, before: int | None = None) -> list[AuditEntry]:
        """The newest changes first, of one name or of all; ``before``, an entry's id, asks for older ones."""
        with self._engine.begin() as tx:
            return _entries(tx, name, "DESC", limit, before)

    def aliases(self, name: str | None = None) -> dict[str, dict[str, int]]:
        """Of each registered name: which version bears which alias."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT registered_name, alias, version FROM model_versions
                    WHERE CAST(:name AS text) IS NULL OR registered_name = :name ORDER BY registered_name, version
                """),
                {"name": name},
            ).all()
        found: dict[str, dict[str, int]] = {}
        for registered, alias, version in rows:
            known = found.setdefault(registered, {})
            if alias is not None:
                known[alias] = version
        return found


def _alive(connection: Connection, name: str) -> list[int]:
    rows = connection.execute(
        text(
            "SELECT version FROM model_versions WHERE registered_name = :name AND deleted_at IS NULL ORDER BY version"
        ),
        {"name": name},
    )
    return [int(version) for version in rows.scalars()]


def _unknown(connection: Connection, name: str, version: int) -> str:
    known = ", ".join(map(str, _alive(connection, name)[-10:]))
    return f"{name} has no version {version}" + (f"; there are {known}" if known else ", nor any other")


def _trail(connection: Connection, name: str) -> list[AuditEntry]:
    return _entries(connection, name, "ASC", None)


def _entries(
    connection: Connection, name: str | None, order: str, limit: int | None, before: int | None = None
) -> list[AuditEntry]:
    rows = connection.execute(
        text(f"""
            SELECT id, at, actor, action, registered_name, from_version, to_version, reason, verdict, job_id
            FROM model_audit WHERE (CAST(:name AS text) IS NULL OR registered_name = :name)
                AND (CAST(:before AS bigint) IS NULL OR id < :before)
            ORDER BY id {order} LIMIT :limit
        """),  # noqa: S608  the order is a constant
        {"name": name, "limit": limit, "before": before},
    ).all()
    return [
        AuditEntry(
            **{
                **row._mapping,
                "action": Action(row.action),
                "job_id": None if row.job_id is None else UUID(str(row.job_id)),
            }
        )
        for row in rows
    ]
