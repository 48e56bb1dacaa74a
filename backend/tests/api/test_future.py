"""Paths of several days: started, followed, cancelled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import orjson
import pytest
from stock_mlops.stores.jobs import Job, JobKind, JobState

from .backstage import NOW, make_event

if TYPE_CHECKING:
    from .backstage import Backstage

pytestmark = pytest.mark.anyio

PAYLOAD = {"exchange": "US", "ticker": "AAPL", "days": 3}
DAYS = [make_event(horizon=step).model_dump(mode="json") for step in (1, 2, 3)]


async def test_a_path_of_days_becomes_a_job_that_can_be_followed(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    answer = await predict.post(
        "/api/predict/future/", json={"ticker": "AAPL", "days": 5}, headers={"X-Request-ID": "caller-0001"}
    )
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["Location"] == body["status_url"]
    (job,) = backstage.jobs.values()
    assert (job.kind, job.payload, job.request_id) == (
        JobKind.PREDICT_FUTURE,
        {"exchange": "US", "ticker": "AAPL", "days": 5},
        "caller-0001",
    )
    status = (await predict.get(body["status_url"])).json()
    assert (status["state"], status["result"]) == ("pending", None)
    partial = (await predict.get(body["partial_status_url"] + "/")).json()
    assert (partial["days_done"], partial["days_total"], partial["predictions"]) == (0, 5, [])


async def test_days_show_as_they_are_predicted_and_as_the_result(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    days = [make_event(horizon=step).model_dump(mode="json") for step in (1, 2)]
    payload = {"exchange": "US", "ticker": "AAPL", "days": 2}
    running = backstage.add_job(JobKind.PREDICT_FUTURE, payload, state=JobState.RUNNING, partial=days[:1], progress=0.5)
    done = backstage.add_job(
        JobKind.PREDICT_FUTURE, payload, state=JobState.COMPLETED, result={"predictions": days}, progress=1.0
    )
    partial = (await predict.get(f"/api/predict/future/partial_status/{running.id}")).json()
    assert (partial["days_done"], partial["progress"]) == (1, 0.5)
    status = (await predict.get(f"/api/predict/future/status/{done.id}")).json()
    assert [item["horizon"] for item in status["result"]["predictions"]] == [1, 2]


async def test_a_failed_job_tells_why_and_a_waiting_one_does_not_yet(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    payload = {"exchange": "US", "ticker": "AAPL", "days": 2}
    error = {"title": "No data", "detail": "load them", "code": "no_data"}
    failed = backstage.add_job(JobKind.PREDICT_FUTURE, payload, state=JobState.FAILED, error=error)
    waiting = backstage.add_job(JobKind.PREDICT_FUTURE, payload, state=JobState.PENDING, error=error)
    status = (await predict.get(f"/api/predict/future/status/{failed.id}")).json()
    assert status["error"] == error
    status = (await predict.get(f"/api/predict/future/status/{waiting.id}")).json()
    assert status["error"] is None


@pytest.mark.parametrize("kind", ["status", "partial_status", "stream"])
async def test_an_unknown_task_or_one_of_another_kind_is_a_404(
    predict: httpx.AsyncClient, backstage: Backstage, kind: str
) -> None:
    training = backstage.add_job(JobKind.TRAIN, {"model_id": "x"})
    for task in (uuid4(), training.id):
        assert (await predict.get(f"/api/predict/future/{kind}/{task}")).status_code == 404
    assert (await predict.get(f"/api/predict/future/{kind}/nonsense")).status_code == 422


@pytest.mark.parametrize("kind", ["status", "partial_status", "stream"])
async def test_a_path_that_is_no_longer_kept_is_gone(
    predict: httpx.AsyncClient, backstage: Backstage, kind: str
) -> None:
    job = backstage.add_job(JobKind.PREDICT_FUTURE, PAYLOAD, state=JobState.COMPLETED, finished_at=NOW, expired_at=NOW)
    assert (await predict.get(f"/api/predict/future/{kind}/{job.id}")).status_code == 410


async def test_an_open_path_is_cancelled_once(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    job = backstage.add_job(JobKind.PREDICT_FUTURE, PAYLOAD)
    assert (await predict.delete(f"/api/predict/future/{job.id}")).json()["state"] == "cancelled"
    assert (await predict.delete(f"/api/predict/future/{job.id}")).status_code == 409
    assert (await predict.delete(f"/api/predict/future/{uuid4()}")).status_code == 404


def events_of(text: str) -> list[tuple[str, int, dict[str, Any]]]:
    """Name, id and data of each event of a stream."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], int(fields["id"]), orjson.loads(fields["data"])))
    return found


async def test_a_stream_tells_of_each_new_day_once_and_ends_with_the_job(
    predict: httpx.AsyncClient, backstage: Backstage
) -> None:
    job = backstage.add_job(JobKind.PREDICT_FUTURE, PAYLOAD, state=JobState.RUNNING)

    def become(**values: Any) -> None:
        backstage.jobs[job.id] = replace(backstage.jobs[job.id], **values)

    async def work() -> None:
        for partial in (DAYS[:1], DAYS[:3]):
            looks = len(backstage.looks)
            become(partial=partial, progress=len(partial) / 3)
            while len(backstage.looks) < looks + 2:
                await asyncio.sleep(0.002)
        become(state=JobState.COMPLETED, result={"predictions": DAYS}, progress=1.0)

    async def begun() -> None:
        while not backstage.looks:
            await asyncio.sleep(0.002)
        await work()

    answer, _ = await asyncio.gather(predict.get(f"/api/predict/future/stream/{job.id}"), begun())
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    events = events_of(answer.text)
    assert [(name, number) for name, number, _ in events] == [
        ("progress", 0),
        ("progress", 1),
        ("progress", 3),
        ("end", 3),
    ]
    assert [[day["horizon"] for day in data["predictions"]] for _, _, data in events] == [[], [1], [2, 3], []]
    assert (events[-1][2]["state"], events[-1][2]["days_done"]) == ("completed", 3)


async def test_a_reconnecting_stream_gets_what_it_missed(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    job = backstage.add_job(
        JobKind.PREDICT_FUTURE, PAYLOAD, state=JobState.COMPLETED, result={"predictions": DAYS}, progress=1.0
    )
    url = f"/api/predict/future/stream/{job.id}"
    ((name, number, data),) = events_of((await predict.get(url, headers={"Last-Event-ID": "2"})).text)
    assert (name, number, [day["horizon"] for day in data["predictions"]]) == ("end", 3, [3])
    assert (await predict.get(url, headers={"Last-Event-ID": "x"})).status_code == 422


async def test_many_streams_share_one_look_at_the_database(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    jobs = [backstage.add_job(JobKind.PREDICT_FUTURE, PAYLOAD, state=JobState.RUNNING) for _ in range(3)]

    def finish(job: Job) -> None:
        backstage.jobs[job.id] = replace(job, state=JobState.FAILED, error={"title": "No data", "detail": "load them"})

    async def work() -> None:
        while not any(set(look) == {job.id for job in jobs} for look in backstage.looks):
            await asyncio.sleep(0.002)
        for job in jobs:
            finish(job)

    urls = [f"/api/predict/future/stream/{job.id}" for job in jobs for _ in range(4)]
    *answers, _ = await asyncio.gather(*(predict.get(url) for url in urls), work())
    assert all(len(look) <= 3 for look in backstage.looks)
    for answer in answers:
        name, _, data = events_of(answer.text)[-1]
        assert (name, data["error"]) == ("end", {"title": "No data", "detail": "load them", "code": ""})
