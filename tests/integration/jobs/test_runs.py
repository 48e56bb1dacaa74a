"""Long jobs over a real PostgreSQL: asked for once, run by one worker, one commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, text
from stock_mlops.errors import ConflictError, InvalidRequestError
from stock_mlops.services.jobs import (
    Completion,
    JobLostError,
    JobRun,
    JobRunner,
    Outcome,
    Reaper,
    submit_job,
)
from stock_mlops.stores.jobs import Job, JobKind, Jobs, JobState
from stock_mlops.stores.queue import MemoryQueue

from tests.integration.jobs.running import LEASE, PAYLOAD, SETTINGS, done, found

pytestmark = pytest.mark.integration


def test_an_idempotency_key_gives_one_job(jobs: Jobs, queue: MemoryQueue) -> None:
    key = uuid4().hex
    first = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, idempotency_key=key)
    second = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, idempotency_key=key)
    assert first.id == second.id
    assert submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD).id != first.id


@pytest.mark.parametrize(("kind", "payload"), [(JobKind.TRAIN, {"model_id": "n"}), (JobKind.PREDICT_FUTURE, PAYLOAD)])
def test_an_idempotency_key_cannot_stand_for_two_requests(
    jobs: Jobs, queue: MemoryQueue, kind: JobKind, payload: dict[str, str]
) -> None:
    key = uuid4().hex
    submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, idempotency_key=key)
    with pytest.raises(ConflictError, match="already stands for train job"):
        submit_job(jobs, queue, kind, payload, idempotency_key=key)


def test_a_repeated_request_for_a_finished_job_sends_nothing(jobs: Jobs, queue: MemoryQueue, runner: JobRunner) -> None:
    key = uuid4().hex
    job = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, idempotency_key=key)
    runner.run(job.id, done)
    again = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, idempotency_key=key)
    assert again.result == {"answer": 42}
    assert queue.messages == [job.id]


def test_one_of_many_workers_gets_the_job(jobs: Jobs) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda number: jobs.claim(job.id, f"worker-{number}"), range(8)))
    assert sum(claim is not None for claim in claims) == 1


def test_a_run_reports_progress_and_ends_with_its_result(jobs: Jobs, runner: JobRunner) -> None:
    job = jobs.submit(JobKind.PREDICT_FUTURE, PAYLOAD)
    seen: list[Job] = []

    def work(run: JobRun) -> Completion:
        run.progress(0.5, "half way", [{"day": 1}])
        run.progress(0.6, partial=[{"day": 2}])
        seen.append(found(jobs, job))
        return Completion({"answer": 42})

    assert runner.run(job.id, work) is Outcome.COMPLETED
    assert (seen[0].state, seen[0].stage, seen[0].partial) == (JobState.RUNNING, "half way", [{"day": 1}, {"day": 2}])
    assert seen[0].progress == pytest.approx(0.6)
    ended = found(jobs, job)
    assert (ended.state, ended.progress, ended.result, ended.attempts) == (JobState.COMPLETED, 1.0, {"answer": 42}, 1)
    assert ended.started_at is not None
    assert ended.finished_at is not None


def test_a_message_for_a_job_that_ended_is_skipped(jobs: Jobs, runner: JobRunner) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    assert runner.run(job.id, done) is Outcome.COMPLETED
    assert runner.run(job.id, done) is Outcome.SKIPPED
    assert runner.run(uuid4(), done) is Outcome.SKIPPED
    assert found(jobs, job).attempts == 1


def test_a_worker_that_was_thought_dead_can_write_nothing(jobs: Jobs) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    old = jobs.claim(job.id, "worker-1")
    assert old is not None
    assert jobs.claim(job.id, "worker-2") is None
    time.sleep(LEASE + 0.1)
    new = jobs.claim(job.id, "worker-2")
    assert new is not None
    assert new.fence == old.fence + 1
    assert not jobs.heartbeat(job.id, old.fence, progress=0.9, partial=[{"day": 1}])
    assert not jobs.complete(job.id, old.fence, {"from": "old"})
    assert not jobs.fail(job.id, old.fence, title="t", detail="d", code="c")
    assert jobs.retry(job.id, old.fence, title="t", detail="d", code="c") is None
    current = found(jobs, job)
    assert (current.state, current.worker, current.progress, current.partial) == (JobState.RUNNING, "worker-2", 0, [])
    assert jobs.complete(job.id, new.fence, {"from": "new"})
    assert found(jobs, job).result == {"from": "new"}


def write_note(connection: Connection) -> None:
    connection.execute(text("INSERT INTO notes VALUES (1)"))


def write_nowhere(connection: Connection) -> None:
    connection.execute(text("INSERT INTO no_such_table VALUES (1)"))


@pytest.fixture
def notes(engine: Engine) -> Iterator[Callable[[], int]]:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (n integer)"))

    def count() -> int:
        with engine.begin() as connection:
            return int(connection.execute(text("SELECT count(*) FROM notes")).scalar_one())

    yield count
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE notes"))


def test_the_result_and_the_works_own_rows_are_committed_together(
    jobs: Jobs, runner: JobRunner, notes: Callable[[], int]
) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    assert runner.run(job.id, lambda _: Completion({}, write_note)) is Outcome.COMPLETED
    assert notes() == 1

    broken = jobs.submit(JobKind.TRAIN, PAYLOAD)
    assert runner.run(broken.id, lambda _: Completion({}, write_nowhere)) is Outcome.FAILED
    assert found(jobs, broken).result is None
    assert notes() == 1


def test_a_job_that_was_taken_over_meanwhile_writes_nothing(
    engine: Engine, jobs: Jobs, notes: Callable[[], int]
) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    silent = SETTINGS.model_copy(update={"heartbeat": timedelta(hours=1)})

    def slow(_run: JobRun) -> Completion:
        time.sleep(LEASE + 0.1)
        assert jobs.claim(job.id, "worker-2") is not None
        return Completion({}, write_note)

    runner = JobRunner(engine, silent, "worker-1")
    # The heartbeat thread is joined for as long as one interval; it wakes at once.
    assert runner.run(job.id, slow) is Outcome.LOST
    assert notes() == 0
    assert found(jobs, job).worker == "worker-2"


def test_heartbeats_hold_the_lease_of_work_that_says_nothing(
    jobs: Jobs, runner: JobRunner, reaper: Reaper, queue: MemoryQueue
) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)

    def silent(_run: JobRun) -> Completion:
        time.sleep(2 * LEASE)
        reaper.run_once()
        return Completion({})

    assert runner.run(job.id, silent) is Outcome.COMPLETED
    assert queue.messages == []
    assert found(jobs, job).attempts == 1


def test_an_error_that_the_owner_must_mend_is_told_and_not_tried_again(jobs: Jobs, runner: JobRunner) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)

    def refuse(_run: JobRun) -> Completion:
        raise InvalidRequestError("too little history")

    assert runner.run(job.id, refuse) is Outcome.FAILED
    ended = found(jobs, job)
    assert ended.state is JobState.FAILED
    assert ended.error == {
        "title": "Invalid request",
        "detail": "too little history",
        "code": "invalid_request",
    }


def test_an_error_that_may_pass_is_tried_again_later_and_not_for_ever(
    jobs: Jobs, runner: JobRunner, reaper: Reaper, queue: MemoryQueue
) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)

    def unlucky(_run: JobRun) -> Completion:
        raise ConnectionError("the server went away")

    assert runner.run(job.id, unlucky) is Outcome.RETRIED
    waiting = found(jobs, job)
    assert waiting.state is JobState.PENDING
    assert waiting.error is not None
    assert "the server went away" in waiting.error["detail"]
    reaper.run_once()
    assert queue.messages == []  # the back-off has not passed
    time.sleep(2.1)
    reaper.run_once()
    assert queue.messages == [job.id]
    assert runner.run(job.id, unlucky) is Outcome.RETRIED
    assert runner.run(job.id, unlucky) is Outcome.FAILED
    assert found(jobs, job).state is JobState.FAILED


def test_a_cancelled_job_stops_at_its_next_report(jobs: Jobs, runner: JobRunner) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    stopped = Event()

    def work(run: JobRun) -> Completion:
        assert jobs.cancel(job.id)
        try:
            run.progress(0.5)
        except JobLostError:
            stopped.set()
            raise
        return Completion({})

    assert runner.run(job.id, work) is Outcome.LOST
    assert stopped.is_set()
    assert found(jobs, job).state is JobState.CANCELLED
    assert not jobs.cancel(job.id)
    assert runner.run(job.id, done) is Outcome.SKIPPED


def test_jobs_are_listed_newest_first_in_pages(jobs: Jobs, engine: Engine) -> None:
    submitted = [jobs.submit(JobKind.TRAIN, PAYLOAD) for _ in range(5)]
    jobs.submit(JobKind.PREDICT_FUTURE, PAYLOAD)
    with engine.begin() as connection:  # what happened at the same time is told apart by its id
        connection.execute(text("UPDATE jobs SET created_at = now() WHERE kind = 'train'"))
    first = jobs.page(JobKind.TRAIN, limit=2)
    second = jobs.page(JobKind.TRAIN, limit=2, cursor=first.next_cursor)
    third = jobs.page(JobKind.TRAIN, limit=2, cursor=second.next_cursor)
    seen = [job.id for page in (first, second, third) for job in page.items]
    assert sorted(seen) == sorted(job.id for job in submitted)
    assert third.next_cursor is None
    jobs.cancel(submitted[0].id)
    assert [job.id for job in jobs.page(states=[JobState.CANCELLED]).items] == [submitted[0].id]


def test_open_jobs_are_counted_by_kind_and_state(jobs: Jobs) -> None:
    first, _ = jobs.submit(JobKind.TRAIN, PAYLOAD), jobs.submit(JobKind.TRAIN, PAYLOAD)
    jobs.claim(first.id, "worker-1")
    jobs.cancel(jobs.submit(JobKind.PREDICT_FUTURE, PAYLOAD).id)
    counts = jobs.open_counts()
    assert counts[JobKind.TRAIN] == {JobState.PENDING: 1, JobState.RUNNING: 1}
    assert counts[JobKind.PREDICT_FUTURE] == {JobState.PENDING: 0, JobState.RUNNING: 0}


def test_the_same_work_is_open_once_and_a_key_that_joined_it_is_remembered(
    jobs: Jobs, queue: MemoryQueue, runner: JobRunner
) -> None:
    first = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, subject="m data-1")
    key = uuid4().hex
    joined = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, subject="m data-1", idempotency_key=key)
    assert joined.id == first.id
    assert submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, subject="m data-2").id != first.id
    runner.run(first.id, done)
    assert submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, subject="m data-1").id != first.id
    assert submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, subject="m data-1", idempotency_key=key).id == first.id


def test_many_who_ask_at_once_for_the_same_work_get_one_job(jobs: Jobs) -> None:
    def ask(number: int) -> Job:
        return jobs.submit(JobKind.TRAIN, PAYLOAD, subject="m", idempotency_key=f"key-{number % 2}")

    with ThreadPoolExecutor(8) as pool:
        assert len({job.id for job in pool.map(ask, range(16))}) == 1


def test_a_job_that_is_cancelled_before_its_commit_takes_back_what_it_wrote_elsewhere(
    jobs: Jobs, runner: JobRunner
) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    told: list[str] = []

    def work(_run: JobRun) -> Completion:
        jobs.cancel(job.id)
        return Completion({}, after=lambda: told.append("after"), undo=lambda: told.append("undo"))

    assert runner.run(job.id, work) is Outcome.LOST
    assert told == ["undo"]
    assert found(jobs, job).state is JobState.CANCELLED
