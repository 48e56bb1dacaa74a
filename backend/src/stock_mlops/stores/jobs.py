"""Long jobs: one row each, with a lease and a fencing token, in model_meta_db.

A worker *claims* a job, which gives it a lease and a fence one higher than before. Everything it writes afterwards is
conditional on that fence and on the job still running, so a worker that was thought dead cannot overwrite its
successor's work. Times are the database's: the clocks of workers do not matter.

``lease_until`` reads the same way in both open states: until then a worker (running) or a message in the broker
(pending) is trusted to get on with the job; afterwards the reaper takes over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import Connection, Engine, Row, text
from stock_kit.service_settings import JobSettings

from stock_mlops.errors import ConflictError
from stock_mlops.stores.cursor import Cursor


class JobKind(StrEnum):
    TRAIN = "train"
    PREDICT_FUTURE = "predict_future"
    ETL = "etl"
    SIMULATE = "simulate"


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (JobState.PENDING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Job:
    id: UUID
    kind: JobKind
    state: JobState
    payload: dict[str, Any]
    stage: str
    progress: float
    partial: list[Any]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    request_id: str | None
    fence: int
    attempts: int
    worker: str | None
    lease_until: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expired_at: datetime | None = None
    """Since when its result is no longer kept."""


@dataclass(frozen=True, slots=True)
class JobPage:
    items: list[Job]
    """The newest first."""
    next_cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class JobRef:
    """Enough of a job to send it to a worker."""

    id: UUID
    kind: JobKind


class IdempotencyConflictError(ConflictError):
    code = "idempotency_conflict"
    title = "The idempotency key was used for another request"


_COLUMNS = """id, kind, state, payload, stage, progress, partial, result, error, request_id, fence, attempts, worker,
    lease_until, created_at, started_at, finished_at, expired_at"""
# Of the index that lets only one job of a subject be open.
_OPEN_SUBJECT = "subject IS NOT NULL AND state IN ('pending', 'running')"


def _json(value: object) -> str:
    """JSON for a jsonb column; NaN, which JSON does not know, becomes null."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _job(row: Row[Any]) -> Job:
    values = dict(row._mapping)
    values["id"] = UUID(str(values["id"]))
    values["kind"] = JobKind(values["kind"])
    values["state"] = JobState(values["state"])
    return Job(**values)


def job_ref(row: Row[Any]) -> JobRef:
    return JobRef(UUID(str(row.id)), JobKind(row.kind))


class Jobs:
    """The table of jobs. Every method is one short transaction unless it is given a connection."""

    def __init__(self, engine: Engine, settings: JobSettings) -> None:
        self._engine = engine
        self._settings = settings

    @contextmanager
    def _transaction(self, connection: Connection | None = None) -> Iterator[Connection]:
        if connection is not None:
            yield connection
        else:
            with self._engine.begin() as own:
                yield own

    def submit(
        self,
        kind: JobKind,
        payload: Mapping[str, Any],
        *,
        subject: str | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
        connection: Connection | None = None,
    ) -> Job:
        """Add a pending job, or return the one that this idempotency key already stands for, or the open one of the
        same ``subject``, for which the key then stands too.

        Args:
            subject: names work that it would be a waste to do twice at once; None: a job of its own in any case.

        Raises:
            IdempotencyConflictError: the key belongs to a job of another kind or payload.
        """
        encoded = _json(payload)
        with self._transaction(connection) as tx:
            if idempotency_key is None:
                return self._insert_or_join(tx, kind, encoded, subject, request_id)
            known = self._locked_key(tx, idempotency_key)
            if known is not None:
                if known.kind != kind or known.payload != orjson.loads(encoded):
                    raise IdempotencyConflictError(
                        f"Idempotency-Key {idempotency_key!r} already stands for {known.kind} job {known.id} with"
                        " another payload; send the same request again, or a new key"
                    )
                return known
            job = self._insert_or_join(tx, kind, encoded, subject, request_id)
            tx.execute(
                text("INSERT INTO job_keys (key, job_id) VALUES (:key, :id)"),
                {"key": idempotency_key, "id": str(job.id)},
            )
        return job

    @staticmethod
    def _locked_key(tx: Connection, key: str) -> Job | None:
        """The job that a key stands for; who asks with the same key at once waits for this transaction's end."""
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('job key ' || :key, 0))"), {"key": key})
        row = tx.execute(
            text(f"SELECT {_COLUMNS} FROM jobs JOIN job_keys ON job_id = id WHERE key = :key"),  # noqa: S608
            {"key": key},
        ).first()
        return None if row is None else _job(row)

    def _insert_or_join(
        self, tx: Connection, kind: JobKind, encoded: str, subject: str | None, request_id: str | None
    ) -> Job:
        values = {
            "id": str(uuid4()),
            "kind": kind,
            "payload": encoded,
            "subject": subject,
            "request_id": request_id,
            "resend": self._settings.pending_resend,
        }
        while True:
            row = tx.execute(
                text(f"""
                    INSERT INTO jobs (id, kind, payload, subject, request_id, lease_until)
                    VALUES (:id, :kind, CAST(:payload AS jsonb), :subject, :request_id, now() + :resend)
                    ON CONFLICT (kind, subject) WHERE {_OPEN_SUBJECT} DO NOTHING RETURNING {_COLUMNS}
                """),  # noqa: S608  the columns are a constant
                values,
            ).first()
            if row is None:
                row = tx.execute(
                    text(f"SELECT {_COLUMNS} FROM jobs WHERE kind = :kind AND subject = :subject AND {_OPEN_SUBJECT}"),  # noqa: S608
                    values,
                ).first()
            # It may have ended between the two statements; then there is room for a new one.
            if row is not None:
                return _job(row)

    def get(self, job_id: UUID) -> Job | None:
        with self._transaction() as tx:
            row = tx.execute(text(f"SELECT {_COLUMNS} FROM jobs WHERE id = :id"), {"id": str(job_id)}).first()  # noqa: S608
        return None if row is None else _job(row)

    def get_many(self, job_ids: Sequence[UUID]) -> list[Job]:
        """Those of them that there are."""
        with self._transaction() as tx:
            rows = tx.execute(
                text(f"SELECT {_COLUMNS} FROM jobs WHERE id = ANY(CAST(:ids AS uuid[]))"),  # noqa: S608
                {"ids": [str(job_id) for job_id in job_ids]},
            ).all()
        return [_job(row) for row in rows]

    def page(
        self,
        kind: JobKind | None = None,
        *,
        states: Sequence[JobState] = (),
        limit: int = 50,
        cursor: Cursor | None = None,
    ) -> JobPage:
        """The newest jobs that were submitted before ``cursor``."""
        with self._transaction() as tx:
            rows = tx.execute(
                text(f"""
                    SELECT {_COLUMNS} FROM jobs
                    WHERE (CAST(:kind AS text) IS NULL OR kind = :kind)
                      AND (CAST(:states AS text[]) = '{{}}' OR state = ANY(CAST(:states AS text[])))
                      AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (:at, CAST(:id AS uuid)))
                    ORDER BY created_at DESC, id DESC LIMIT :limit
                """),  # noqa: S608
                {
                    "kind": kind,
                    "states": [str(state) for state in states],
                    "at": cursor and cursor.at,
                    "id": cursor and str(cursor.id),
                    "limit": limit + 1,
                },
            ).all()
        jobs = [_job(row) for row in rows[:limit]]
        return JobPage(jobs, Cursor(jobs[-1].created_at, jobs[-1].id) if len(rows) > limit else None)

    def open_counts(self) -> dict[JobKind, dict[JobState, int]]:
        """How many jobs of each kind wait and run."""
        with self._transaction() as tx:
            rows = tx.execute(
                text(
                    "SELECT kind, state, count(*) FROM jobs WHERE state IN ('pending', 'running') GROUP BY kind, state"
                )
            ).all()
        counts = {kind: {JobState.PENDING: 0, JobState.RUNNING: 0} for kind in JobKind}
        for kind, state, count in rows:
            counts[JobKind(kind)][JobState(state)] = int(count)
        return counts

    def claim(self, job_id: UUID, worker: str) -> Job | None:
        """Take a pending job, or a running one whose lease ran out; None when there is nothing to take.

        The returned job's ``fence`` is what every later write has to name.
        """
        with self._transaction() as tx:
            row = tx.execute(
                text(f"""
                    UPDATE jobs SET state = 'running', fence = fence + 1, attempts = attempts + 1, worker = :worker,
                        lease_until = now() + :lease, started_at = COALESCE(started_at, now()),
                        stage = '', progress = 0, partial = '[]', error = NULL
                    WHERE id = :id AND attempts < :attempts
                      AND (state = 'pending' OR (state = 'running' AND lease_until < now()))
                    RETURNING {_COLUMNS}
                """),  # noqa: S608
                {
                    "id": str(job_id),
                    "worker": worker,
                    "lease": self._settings.lease,
                    "attempts": self._settings.max_attempts,
                },
            ).first()
        return None if row is None else _job(row)

    def heartbeat(
        self,
        job_id: UUID,
        fence: int,
        *,
        progress: float | None = None,
        stage: str | None = None,
        partial: Sequence[Any] = (),
    ) -> bool:
        """Renew the lease, report progress, append partial results; False when the job is no longer this worker's."""
        return self._fenced(
            """lease_until = now() + :lease, progress = COALESCE(:progress, progress),
               stage = COALESCE(:stage, stage), partial = partial || CAST(:partial AS jsonb)""",
            job_id,
            fence,
            {
                "lease": self._settings.lease,
                "progress": None if progress is None else min(max(progress, 0.0), 1.0),
                "stage": stage,
                "partial": _json(list(partial)),
            },
        )

    def complete(
        self, job_id: UUID, fence: int, result: Mapping[str, Any], *, connection: Connection | None = None
    ) -> bool:
        """Finish the job. With ``connection`` the job's own writes share the transaction, so they happen once."""
        return self._fenced(
            "state = 'completed', stage = 'done', progress = 1, result = CAST(:result AS jsonb), lease_until = NULL,"
            " finished_at = now()",
            job_id,
            fence,
            {"result": _json(result)},
            connection,
        )

    def add_to_result(self, job_id: UUID, values: Mapping[str, Any], connection: Connection) -> None:
        """Add to the result of a job that was completed in the same transaction."""
        connection.execute(
            text("UPDATE jobs SET result = result || CAST(:values AS jsonb) WHERE id = :id"),
            {"id": str(job_id), "values": _json(values)},
        )

    def fail(self, job_id: UUID, fence: int, *, title: str, detail: str, code: str) -> bool:
        """End the job for good with an error that its owner can act on."""
        return self._fenced(
            "state = 'failed', error = CAST(:error AS jsonb), lease_until = NULL, finished_at = now()",
            job_id,
            fence,
            {"error": _json({"title": title, "detail": detail, "code": code})},
        )

    def retry(self, job_id: UUID, fence: int, *, title: str, detail: str, code: str) -> JobState | None:
        """Put the job back after an error that may pass: the reaper sends it again after a back-off of 2, 4, 8 ... s.

        Returns the new state (failed when the attempts are used up), or None when the job is no longer this worker's.
        """
        with self._transaction() as tx:
            state = tx.execute(
                text("""
                    UPDATE jobs SET state = CASE WHEN attempts < :most THEN 'pending' ELSE 'failed' END,
                        error = CAST(:error AS jsonb), worker = NULL, queued_at = now(), stage = 'waiting to retry',
                        lease_until = now() + interval '1 second' * power(2, LEAST(attempts, 6)),
                        finished_at = CASE WHEN attempts < :most THEN NULL ELSE now() END
                    WHERE id = :id AND fence = :fence AND state = 'running' RETURNING state
                """),
                {
                    "id": str(job_id),
                    "fence": fence,
                    "most": self._settings.max_attempts,
                    "error": _json({"title": title, "detail": detail, "code": code}),
                },
            ).scalar()
        return None if state is None else JobState(state)

    def release(self, worker: str) -> list[JobRef]:
        """Give back what a worker that is being stopped was running; that run does not count as an attempt."""
        with self._transaction() as tx:
            rows = tx.execute(
                text("""
                    UPDATE jobs SET state = 'pending', worker = NULL, attempts = attempts - 1, queued_at = now(),
                        lease_until = now(), stage = 'worker stopped, waiting for another'
                    WHERE state = 'running' AND worker = :worker RETURNING id, kind
                """),
                {"worker": worker},
            ).all()
        return [job_ref(row) for row in rows]

    def cancel(self, job_id: UUID) -> bool:
        """Stop an open job: a worker that runs it notices at its next heartbeat. False when it already ended."""
        with self._transaction() as tx:
            done = tx.execute(
                text("""
                    UPDATE jobs SET state = 'cancelled', lease_until = NULL, finished_at = now()
                    WHERE id = :id AND state IN ('pending', 'running')
                """),
                {"id": str(job_id)},
            )
        return bool(done.rowcount)

    def _fenced(
        self,
        assignments: str,
        job_id: UUID,
        fence: int,
        values: Mapping[str, Any],
        connection: Connection | None = None,
    ) -> bool:
        with self._transaction(connection) as tx:
            done = tx.execute(
                text(f"UPDATE jobs SET {assignments} WHERE id = :id AND fence = :fence AND state = 'running'"),  # noqa: S608
                {"id": str(job_id), "fence": fence, **values},
            )
        return bool(done.rowcount)
