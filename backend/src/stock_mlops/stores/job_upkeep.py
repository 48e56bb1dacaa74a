"""Jobs that nobody works on any more: taken away from lost workers, sent again, and in the end forgotten.

See :mod:`stock_mlops.stores.jobs` for what a lease is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import orjson
from sqlalchemy import Engine, text
from stock_kit.service_settings import JobSettings

from stock_mlops.stores.jobs import JobKind, JobRef, JobState, job_ref

# A pending job is sent again after 20, 20, 40, 80, ... seconds, at most this many times the first interval: a long
# queue must not fill the broker with copies, and an emptied broker must not hold a job up for long.
_LONGEST_RESEND = 6


class JobUpkeep:
    """What the reaper does to the table of jobs. Every method is one short transaction."""

    def __init__(self, engine: Engine, settings: JobSettings) -> None:
        self._engine = engine
        self._settings = settings

    def reclaim(self, kinds: Sequence[JobKind]) -> list[JobRef]:
        """Take running jobs away from workers that went silent: pending again, or failed after too many attempts.

        Returns the ones that failed.
        """
        error = {
            "title": "The worker was lost",
            "detail": f"the job was started {self._settings.max_attempts} times and its worker stopped answering each"
            " time (killed, or out of memory); look at the worker's log, then submit it again",
            "code": "worker_lost",
        }
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    UPDATE jobs SET state = CASE WHEN attempts < :most THEN 'pending' ELSE 'failed' END,
                        worker = NULL, queued_at = now(), lease_until = now(),
                        stage = CASE WHEN attempts < :most THEN 'worker lost, waiting for another' ELSE stage END,
                        error = CASE WHEN attempts < :most THEN error ELSE CAST(:error AS jsonb) END,
                        finished_at = CASE WHEN attempts < :most THEN NULL ELSE now() END
                    WHERE state = 'running' AND lease_until < now() AND kind = ANY(CAST(:kinds AS text[]))
                    RETURNING id, kind, state
                """),
                {
                    "most": self._settings.max_attempts,
                    "error": orjson.dumps(error).decode(),
                    "kinds": [str(kind) for kind in kinds],
                },
            ).all()
        return [job_ref(row) for row in rows if row.state == JobState.FAILED]

    def due(self, kinds: Sequence[JobKind], limit: int = 100) -> list[JobRef]:
        """Pending jobs that no worker took in time, oldest first."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text("""
                    SELECT id, kind FROM jobs
                    WHERE state = 'pending' AND kind = ANY(CAST(:kinds AS text[]))
                      AND COALESCE(lease_until, queued_at) <= now()
                    ORDER BY queued_at LIMIT :limit
                """),
                {"kinds": [str(kind) for kind in kinds], "limit": limit},
            ).all()
        return [job_ref(row) for row in rows]

    def sent(self, job_id: UUID) -> None:
        """Note that a pending job was sent again; the next time is later the longer it has been waiting."""
        first = self._settings.pending_resend
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    UPDATE jobs SET lease_until = now() + LEAST(GREATEST(now() - queued_at, :first), :longest)
                    WHERE id = :id AND state = 'pending'
                """),
                {"id": str(job_id), "first": first, "longest": first * _LONGEST_RESEND},
            )

    def expire(self, older_than: timedelta) -> int:
        """Let go of the results and keys of jobs that ended longer ago; their rows still tell how they ended. Returns
        how many."""
        with self._engine.begin() as tx:
            done = tx.execute(
                text("""
                    WITH expired AS (
                        UPDATE jobs SET result = NULL, partial = '[]', expired_at = now()
                        WHERE finished_at < now() - :age AND expired_at IS NULL RETURNING id
                    ), keys AS (DELETE FROM job_keys USING expired WHERE job_id = expired.id)
                    SELECT count(*) FROM expired
                """),
                {"age": older_than},
            )
            return int(done.scalar_one())

    def forget(self, older_than: timedelta) -> int:
        """Delete jobs that ended longer ago; returns how many."""
        with self._engine.begin() as tx:
            done = tx.execute(text("DELETE FROM jobs WHERE finished_at < now() - :age"), {"age": older_than})
        return int(done.rowcount)
