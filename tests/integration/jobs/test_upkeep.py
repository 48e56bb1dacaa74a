"""Nothing is lost: jobs of workers that stopped or died, messages that nobody got, results that are old."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from stock_mlops.services.jobs import (
    REAPER_LOCK,
    JobRunner,
    Reaper,
    submit_job,
)
from stock_mlops.stores.job_upkeep import JobUpkeep
from stock_mlops.stores.jobs import JobKind, JobRef, Jobs, JobState
from stock_mlops.stores.postgres import advisory_lock
from stock_mlops.stores.queue import MemoryQueue

from tests.integration.jobs.running import LEASE, PAYLOAD, SETTINGS, done, found

pytestmark = pytest.mark.integration


def test_a_stopped_worker_gives_its_jobs_back_without_using_up_an_attempt(
    jobs: Jobs, reaper: Reaper, queue: MemoryQueue
) -> None:
    mine, other = (jobs.submit(JobKind.TRAIN, PAYLOAD) for _ in range(2))
    jobs.claim(mine.id, "worker-1")
    jobs.claim(other.id, "worker-2")
    assert jobs.release("worker-1") == [JobRef(mine.id, JobKind.TRAIN)]
    assert (found(jobs, mine).state, found(jobs, mine).attempts) == (JobState.PENDING, 0)
    assert found(jobs, other).state is JobState.RUNNING
    reaper.run_once()
    assert queue.messages == [mine.id]


def test_a_lost_workers_job_is_sent_again_and_given_up_in_the_end(
    jobs: Jobs, reaper: Reaper, queue: MemoryQueue
) -> None:
    job = jobs.submit(JobKind.TRAIN, PAYLOAD)
    for attempt in range(1, SETTINGS.max_attempts + 1):
        assert jobs.claim(job.id, "doomed") is not None
        reaper.run_once()
        assert len(queue.messages) == attempt - 1  # its lease still holds
        time.sleep(LEASE + 0.1)
        reaper.run_once()
    assert queue.messages == [job.id] * (SETTINGS.max_attempts - 1)
    ended = found(jobs, job)
    assert ended.state is JobState.FAILED
    assert ended.error is not None
    assert "started 3 times" in ended.error["detail"]


def test_a_job_whose_message_was_lost_is_sent_again_less_and_less_often(
    engine: Engine, jobs: Jobs, reaper: Reaper, queue: MemoryQueue
) -> None:
    job = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD)
    queue.messages.clear()  # Redis was emptied
    reaper.run_once()
    assert queue.messages == []
    time.sleep(LEASE + 0.1)
    reaper.run_once()
    reaper.run_once()
    assert queue.messages == [job.id]
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET queued_at = now() - interval '3 seconds', lease_until = now()"))
    reaper.run_once()
    assert len(queue.messages) == 2
    with engine.begin() as connection:
        left = connection.execute(text("SELECT lease_until - now() FROM jobs")).scalar_one()
    assert timedelta(seconds=2) < left <= timedelta(seconds=3.1)


def test_jobs_submitted_while_the_broker_is_down_are_sent_when_it_is_back(
    jobs: Jobs, reaper: Reaper, queue: MemoryQueue
) -> None:
    queue.up = False
    job = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD)
    assert job.state is JobState.PENDING
    time.sleep(LEASE + 0.1)
    assert reaper.run_once().sent == []
    queue.up = True
    assert reaper.run_once().sent == [JobRef(job.id, JobKind.TRAIN)]


def test_one_reaper_works_at_a_time(engine: Engine, jobs: Jobs, reaper: Reaper, queue: MemoryQueue) -> None:
    jobs.submit(JobKind.TRAIN, PAYLOAD)
    time.sleep(LEASE + 0.1)
    with advisory_lock(engine, REAPER_LOCK) as held:
        assert held
        reaper.run_once()
        assert queue.messages == []
    reaper.run_once()
    assert len(queue.messages) == 1


def test_a_result_expires_before_its_job_is_forgotten(
    jobs: Jobs, upkeep: JobUpkeep, queue: MemoryQueue, runner: JobRunner
) -> None:
    key = uuid4().hex
    ended = submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, idempotency_key=key)
    waiting = jobs.submit(JobKind.TRAIN, PAYLOAD)
    runner.run(ended.id, done)
    assert upkeep.expire(timedelta(hours=1)) == 0
    assert upkeep.expire(timedelta(0)) == 1
    assert upkeep.expire(timedelta(0)) == 0
    expired = found(jobs, ended)
    assert (expired.state, expired.result) == (JobState.COMPLETED, None)
    assert expired.expired_at is not None
    # Nobody could be given the result, so the key is free for a new job.
    assert submit_job(jobs, queue, JobKind.TRAIN, PAYLOAD, idempotency_key=key).id != ended.id

    assert upkeep.forget(timedelta(hours=1)) == 0
    assert upkeep.forget(timedelta(0)) == 1
    assert jobs.get(ended.id) is None
    assert found(jobs, waiting).expired_at is None
