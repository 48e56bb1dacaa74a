"""Long jobs as a use case: hand one over, run one, and find the ones that got lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from stock_kit.logging import get_logger, log_context
from stock_kit.service_settings import JobSettings

from stock_mlops.errors import DependencyUnavailableError, StockMlopsError
from stock_mlops.stores.job_upkeep import JobUpkeep
from stock_mlops.stores.jobs import Job, JobKind, JobRef, Jobs, JobState
from stock_mlops.stores.postgres import advisory_lock
from stock_mlops.stores.queue import TASKS, JobQueue

log = get_logger(__name__)

# Any number that no other user of the database takes as an advisory lock.
REAPER_LOCK = 7_315_020_002
_FORGET_EVERY = 3600.0


def submit_job(
    jobs: Jobs,
    queue: JobQueue,
    kind: JobKind,
    payload: Mapping[str, Any],
    *,
    subject: str | None = None,
    idempotency_key: str | None = None,
    request_id: str | None = None,
) -> Job:
    """Commit the job's row, then send it. When the broker does not answer the reaper sends it later."""
    job = jobs.submit(kind, payload, subject=subject, idempotency_key=idempotency_key, request_id=request_id)
    if job.state is JobState.PENDING:
        queue.send(JobRef(job.id, job.kind))
    return job


class JobLostError(Exception):
    """The job was cancelled, or another worker has it: whatever was computed must not be written."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a handler hands back: the job's result, and what else has to happen with it."""

    result: Mapping[str, Any]
    write: Callable[[Connection], Mapping[str, Any] | None] | None = None
    """Writes that are committed with the result, or not at all; returns what the result has to tell of them."""
    after: Callable[[], None] | None = None
    """Done after the commit, and allowed to fail: copies of what was committed, for the eyes of people."""
    undo: Callable[[], None] | None = None
    """Done instead of the commit when the job was lost meanwhile, and allowed to fail: takes back what the handler
    already wrote elsewhere."""


class JobRun:
    """One run of one job, as its handler sees it. Thread-safe."""

    def __init__(self, jobs: Jobs, job: Job) -> None:
        self.job = job
        self._jobs = jobs
        self._lost = threading.Event()

    @property
    def payload(self) -> dict[str, Any]:
        return self.job.payload

    def progress(self, fraction: float, stage: str | None = None, partial: Sequence[Any] = ()) -> None:
        """Report how far the work is (0..1), and append partial results.

        Raises:
            JobLostError: the job was cancelled or taken over; stop.
        """
        self.check()
        if not self._jobs.heartbeat(self.job.id, self.job.fence, progress=fraction, stage=stage, partial=partial):
            self._lost.set()
        self.check()

    def beat(self) -> None:
        """Renew the lease; a database that does not answer just now is tried again at the next beat."""
        try:
            if not self._jobs.heartbeat(self.job.id, self.job.fence):
                self._lost.set()
        except (DBAPIError, PoolTimeout) as error:
            log.warning("heartbeat_failed", error=str(error))

    def check(self) -> None:
        """Raise :class:`JobLostError` when a heartbeat found that the job is no longer this worker's."""
        if self._lost.is_set():
            raise JobLostError(f"job {self.job.id} was cancelled or taken over by another worker")


Handler = Callable[[JobRun], Completion]


class Outcome(StrEnum):
    """How one delivery of a job to a worker ended; a label of the workers' metrics."""

    COMPLETED = "completed"
    FAILED = "failed"
    RETRIED = "retried"
    LOST = "lost"
    SKIPPED = "skipped"


def is_transient(error: BaseException) -> bool:
    """Whether the error comes from a server that did not answer, so that the same work may succeed later."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, StockMlopsError):
            return isinstance(seen, DependencyUnavailableError)
        if isinstance(seen, ConnectionError | TimeoutError | OperationalError | PoolTimeout):
            return True
        # Client libraries wrap each other's errors; importing them all here would cost a worker its start-up time.
        name = f"{type(seen).__module__.split('.')[0]}.{type(seen).__name__}"
        if name in _TRANSIENT_NAMES:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


_TRANSIENT_NAMES = frozenset(
    {
        "clickhouse_connect.OperationalError",
        "requests.ConnectionError",
        "requests.ConnectTimeout",
        "requests.ReadTimeout",
        "urllib3.MaxRetryError",
        "urllib3.ProtocolError",
        "urllib3.ReadTimeoutError",
        "botocore.EndpointConnectionError",
        "botocore.ConnectTimeoutError",
        "botocore.ReadTimeoutError",
        "httpx.ConnectError",
        "httpx.ReadTimeout",
        "redis.ConnectionError",
        "redis.TimeoutError",
    }
)


class JobRunner:
    """Runs claimed jobs: heartbeats while the handler works, then commits the result once."""

    def __init__(self, engine: Engine, settings: JobSettings, worker: str) -> None:
        self._engine = engine
        self._settings = settings
        self._jobs = Jobs(engine, settings)
        self._worker = worker

    def run(self, job_id: UUID, handler: Handler) -> Outcome:
        """Claim and run one job. Errors of the work end in the job's row, not in an exception."""
        job = self._jobs.claim(job_id, self._worker)
        if job is None:
            log.info("job_skipped", job_id=str(job_id))
            return Outcome.SKIPPED
        with log_context(job_id=str(job.id), request_id=job.request_id):
            log.info("job_started", kind=job.kind, attempt=job.attempts)
            started = monotonic()
            outcome = self._run_claimed(job, handler)
            log.info("job_ended", kind=job.kind, outcome=outcome, seconds=round(monotonic() - started, 3))
        return outcome

    def _run_claimed(self, job: Job, handler: Handler) -> Outcome:
        run = JobRun(self._jobs, job)
        stop = threading.Event()
        beating = threading.Thread(target=self._beat, args=(run, stop), name="job-heartbeat", daemon=True)
        beating.start()
        completion: Completion | None = None
        try:
            completion = handler(run)
            self._commit(job, completion)
        except JobLostError as lost:
            log.warning("job_lost", detail=str(lost))
            _despite_errors("undo_failed", None if completion is None else completion.undo)
            return Outcome.LOST
        except Exception as error:  # noqa: BLE001  the row must tell, whatever went wrong
            return self._record(job, error)
        finally:
            stop.set()
            beating.join(timeout=self._settings.heartbeat.total_seconds())
        _despite_errors("follow_up_failed", completion.after)
        return Outcome.COMPLETED

    def _beat(self, run: JobRun, stop: threading.Event) -> None:
        while not stop.wait(self._settings.heartbeat.total_seconds()):
            run.beat()

    def _commit(self, job: Job, completion: Completion) -> None:
        with self._engine.begin() as connection:
            # The job's row first: it holds off every other run until this transaction has ended.
            if not self._jobs.complete(job.id, job.fence, completion.result, connection=connection):
                raise JobLostError(f"job {job.id} was cancelled or taken over before its result could be committed")
            if completion.write is not None and (found := completion.write(connection)):
                self._jobs.add_to_result(job.id, found, connection)

    def _record(self, job: Job, error: Exception) -> Outcome:
        known = isinstance(error, StockMlopsError)
        title = error.title if isinstance(error, StockMlopsError) else StockMlopsError.title
        code = error.code if isinstance(error, StockMlopsError) else StockMlopsError.code
        detail = str(error) if known else f"{type(error).__name__}: {error}"
        if is_transient(error):
            log.warning("job_interrupted", error=detail)
            if not known:
                title, code = DependencyUnavailableError.title, DependencyUnavailableError.code
            state = self._jobs.retry(job.id, job.fence, title=title, detail=detail, code=code)
            return {None: Outcome.LOST, JobState.FAILED: Outcome.FAILED}.get(state, Outcome.RETRIED)
        log.error("job_failed", error=detail, exc_info=None if known else error)
        ended = self._jobs.fail(job.id, job.fence, title=title, detail=detail, code=code)
        return Outcome.FAILED if ended else Outcome.LOST


def _despite_errors(event: str, act: Callable[[], None] | None) -> None:
    """The job has ended; nothing that fails here may change that."""
    if act is None:
        return
    try:
        act()
    except Exception as error:  # noqa: BLE001
        log.warning(event, error=f"{type(error).__name__}: {error}")


@dataclass(slots=True)
class Reaped:
    """What one pass of the reaper did."""

    failed: list[JobRef] = field(default_factory=list)
    sent: list[JobRef] = field(default_factory=list)


class Reaper:
    """Finds jobs that nobody works on any more, and sends them again. Runs in several services, works in one."""

    def __init__(self, engine: Engine, queue: JobQueue, settings: JobSettings) -> None:
        self._engine = engine
        self._queue = queue
        self._settings = settings
        self._upkeep = JobUpkeep(engine, settings)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._forgot_at = -_FORGET_EVERY

    def run_once(self) -> Reaped:
        """One pass; does nothing while another process's reaper is at work."""
        reaped = Reaped()
        with advisory_lock(self._engine, REAPER_LOCK) as mine:
            if not mine:
                return reaped
            reaped.failed = self._upkeep.reclaim(list(TASKS))
            for job in self._upkeep.due(list(TASKS)):
                if not self._queue.send(job):
                    break
                self._upkeep.sent(job.id)
                reaped.sent.append(job)
            self._forget()
        for job in reaped.failed:
            log.error("job_given_up", job_id=str(job.id), kind=job.kind)
        for job in reaped.sent:
            log.info("job_sent_again", job_id=str(job.id), kind=job.kind)
        return reaped

    def _forget(self) -> None:
        if monotonic() - self._forgot_at >= _FORGET_EVERY:
            self._forgot_at = monotonic()
            self._upkeep.expire(self._settings.retention)
            self._upkeep.forget(self._settings.retention + self._settings.remembered)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="job-reaper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _loop(self) -> None:
        while not self._stop.wait(self._settings.reap_interval.total_seconds()):
            try:
                self.run_once()
            except Exception as error:  # noqa: BLE001  the loop outlives any outage; the next pass tries again
                log.warning("reaper_failed", error=str(error))
