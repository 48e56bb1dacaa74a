"""The log of every changing call: who, what, with which outcome. Rows are only ever added, and dropped by age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, text


@dataclass(frozen=True, slots=True)
class Call:
    actor: str
    address: str
    method: str
    path: str
    status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class AuditedCall(Call):
    id: int
    at: datetime


class AuditLog:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(self, call: Call) -> None:
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    INSERT INTO audit_log (actor, address, method, path, status, request_id)
                    VALUES (:actor, :address, :method, :path, :status, :request_id)
                """),
                {name: getattr(call, name) for name in Call.__slots__},
            )

    def page(self, limit: int, *, before: int | None = None, actor: str | None = None) -> list[AuditedCall]:
        """The newest first; ``before`` is the id of the last one seen."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT id, at, actor, address, method, path, status, request_id FROM audit_log
                    WHERE (CAST(:before AS bigint) IS NULL OR id < :before)
                      AND (CAST(:actor AS text) IS NULL OR actor = :actor)
                    ORDER BY id DESC LIMIT :limit
                """),
                {"before": before, "actor": actor, "limit": limit},
            ).all()
        return [AuditedCall(**row._mapping) for row in rows]

    def prune(self, retention: timedelta) -> int:
        """Drop what is older; how many calls that were."""
        with self._engine.begin() as tx:
            return tx.execute(
                text("DELETE FROM audit_log WHERE at < clock_timestamp() - make_interval(secs => :seconds)"),
                {"seconds": retention.total_seconds()},
            ).rowcount
