"""Models that are deleted, and what remains of them until they are purged, in model_meta_db."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from stock_mlops.errors import ConflictError, NotFoundError
from stock_mlops.stores.promotions import CHAMPION, Action, Change, lock_name, note, version_with


@dataclass(frozen=True, slots=True)
class DeletedVersion:
    registered_name: str
    version: int
    run_id: str


class Deletions:
    """Every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def delete(self, model_id: UUID, change: Change, *, force: bool) -> list[DeletedVersion]:
        """Mark a definition and its versions as deleted, so that nothing serves or trains them; returns the versions.

        Raises:
            NotFoundError: there is no such model, or not any more.
            ConflictError: it is being trained, or one of its versions serves and ``force`` is not given.
        """
        with self._engine.begin() as tx:
            name = self._lock(tx, model_id)
            self._refuse_while_training(tx, model_id)
            champion = version_with(tx, name, CHAMPION)
            versions = _versions(tx, "model_id = :id AND deleted_at IS NULL", {"id": str(model_id)})
            if champion in {item.version for item in versions} and not force:
                raise ConflictError(
                    f"version {champion} of this model serves {name}; promote another version first, or delete with"
                    " force, and the panel's model or the random walk serves instead"
                )
            tx.execute(text("UPDATE model_definitions SET deleted_at = now() WHERE id = :id"), {"id": str(model_id)})
            tx.execute(
                text("""
                    UPDATE model_versions SET deleted_at = now(), alias = NULL
                    WHERE model_id = :id AND deleted_at IS NULL
                """),
                {"id": str(model_id)},
            )
            for item in versions:
                note(tx, Action.DELETE, name, (item.version, None), change)
        return versions

    def due(self, retention: timedelta) -> list[DeletedVersion]:
        """Versions that were deleted so long ago."""
        with self._engine.begin() as tx:
            return _versions(tx, "deleted_at < now() - :retention", {"retention": retention})

    def purge_version(self, deleted: DeletedVersion, change: Change) -> None:
        """Remove a deleted version, the states of its intervals and what its drift is told by for good."""
        values = {"name": deleted.registered_name, "version": deleted.version}
        with self._engine.begin() as tx:
            for table in ("interval_states", "drift_references"):
                tx.execute(text(f"DELETE FROM {table} WHERE registered_name = :name AND version = :version"), values)  # noqa: S608
            gone = tx.execute(
                text("""
                    DELETE FROM model_versions
                    WHERE registered_name = :name AND version = :version AND deleted_at IS NOT NULL
                """),
                values,
            )
            if gone.rowcount:
                note(tx, Action.PURGE, deleted.registered_name, (deleted.version, None), change)

    def purge_definitions(self, retention: timedelta) -> list[str]:
        """Remove definitions that were deleted so long ago and have no version left; returns registered names that
        nothing bears any more."""
        with self._engine.begin() as tx:
            names = tx.execute(
                text("""
                    DELETE FROM model_definitions d WHERE deleted_at < now() - :retention
                        AND NOT EXISTS (SELECT FROM model_versions v WHERE v.model_id = d.id)
                    RETURNING registered_name
                """),
                {"retention": retention},
            ).scalars()
            gone = sorted(set(names))
            left = tx.execute(
                text("SELECT DISTINCT registered_name FROM model_definitions WHERE registered_name = ANY(:names)"),
                {"names": gone},
            ).scalars()
            kept = set(left)
        return [name for name in gone if name not in kept]

    @staticmethod
    def _lock(tx: Connection, model_id: UUID) -> str:
        """Hold off changes of the model's registered name, which is returned."""
        alive = "SELECT registered_name FROM model_definitions WHERE id = :id AND deleted_at IS NULL"
        name = tx.execute(text(alive), {"id": str(model_id)}).scalar()
        if name is not None:
            # In this order, name and then definition, as trainings do that commit.
            lock_name(tx, name)
            name = tx.execute(text(f"{alive} FOR UPDATE"), {"id": str(model_id)}).scalar()
        if name is None:
            raise NotFoundError(f"there is no model {model_id}; stock-mlops models lists what there is")
        return str(name)

    @staticmethod
    def _refuse_while_training(tx: Connection, model_id: UUID) -> None:
        job = tx.execute(
            text("""
                SELECT id FROM jobs WHERE kind = 'train' AND state IN ('pending', 'running')
                    AND payload ->> 'model_id' = :id LIMIT 1
            """),
            {"id": str(model_id)},
        ).scalar()
        if job is not None:
            raise ConflictError(f"model {model_id} is being trained (job {job}); wait for its end or cancel it")


def _versions(tx: Connection, condition: str, values: dict[str, object]) -> list[DeletedVersion]:
    rows = tx.execute(
        text(
            f"SELECT registered_name, version, run_id FROM model_versions WHERE {condition}"  # noqa: S608  constants
            " ORDER BY registered_name, version"
        ),
        values,
    ).all()
    return [DeletedVersion(*row) for row in rows]
