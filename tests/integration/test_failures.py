"""What users were promised when something breaks: clear answers, recovery by itself, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg2
import pytest
import redis
from stock_kit.clock import wall_now
from stock_kit.events import Topic
from stock_kit.kafka import EventProducer
from stock_kit.settings import Settings
from stock_mlops.services.forecast_events import outbox_row
from stock_mlops.stores.outbox import Outbox, OutboxRow
from stock_mlops.stores.outbox_connection import OutboxConnection
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.predictions import Predictions

from tests.integration.support import Stack, clickhouse, train, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def api(stack: Stack, sample_loaded: None) -> Iterator[httpx.Client]:
    train(stack, ticker="AAPL", model_type="ridge", horizon=2)
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client


def predict(api: httpx.Client, ticker: str = "AAPL") -> str:
    answer = api.post("/api/predict/", json={"ticker": ticker, "exchange": "US"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["prediction_id"])


def stored(settings: Settings, ids: list[str]) -> Counter[str]:
    """How often each id stands in ClickHouse, as a reader that deduplicates sees it."""
    rows = clickhouse(settings).query(
        "SELECT toString(prediction_id) FROM predictions FINAL WHERE prediction_id IN {ids:Array(UUID)}",
        parameters={"ids": ids},
    )
    return Counter(row[0] for row in rows.result_rows)


def number(settings: Settings, query: str, *values: object) -> int:
    """The one number that a query of model_meta_db yields."""
    database = settings.model_meta_db
    connection = psycopg2.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password.get_secret_value(),
        dbname=database.database,
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def outbox_size(settings: Settings) -> int:
    return Outbox(get_engine(settings.model_meta_db)).load().size


async def record(settings: Settings, rows: list[OutboxRow]) -> None:
    connection = OutboxConnection(settings.model_meta_db)
    await connection.append(rows)
    connection.close()


def job(api: httpx.Client, url: str) -> dict[str, Any]:
    return dict(api.get(url).json())


def test_a_prediction_made_while_kafka_is_down_is_answered_and_arrives_later_once(
    stack: Stack, api: httpx.Client
) -> None:
    stack.stop("kafka")
    try:
        ids = [predict(api) for _ in range(5)]
        assert stored(stack.settings, ids) == Counter()
    finally:
        stack.start("kafka")
        stack.wait_ready("kafka")
    wait_for(lambda: stored(stack.settings, ids) == Counter(ids), seconds=90, what="the events in ClickHouse")
    wait_for(lambda: outbox_size(stack.settings) == 0, seconds=60, what="an empty outbox")
    listed = api.get("/api/predict/", params={"ticker": "AAPL", "limit": 200}).json()["items"]
    counts = Counter(item["prediction_id"] for item in listed)
    assert {counts[prediction_id] for prediction_id in ids} == {1}


def test_without_clickhouse_the_answer_is_503_with_retry_after_and_recovery_needs_no_restart(
    stack: Stack, api: httpx.Client
) -> None:
    stack.stop("clickhouse")
    try:
        with redis.Redis.from_url(stack.settings.redis.url(stack.settings.redis.cache_db)) as cache:
            cache.flushdb()
        msft = {"ticker": "MSFT", "exchange": "US"}
        # What was read lately serves half a minute longer.
        wait_for(lambda: api.post("/api/predict/", json=msft).status_code != 200, seconds=40, what="copies to end")
        for answer in (
            api.get("/api/predict/"),
            api.get("/api/datasets"),
            api.post("/api/predict/", json=msft),
        ):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.headers["content-type"] == "application/problem+json"
            assert "clickhouse" in answer.text.lower()
    finally:
        stack.start("clickhouse")
        stack.wait_ready("clickhouse")
    wait_for(lambda: api.get("/api/datasets").status_code == 200, seconds=30, what="datasets to answer again")
    wait_for(
        lambda: api.post("/api/predict/", json={"ticker": "MSFT", "exchange": "US"}).status_code == 200,
        seconds=30,
        what="predictions to answer again",
    )


def test_a_broker_killed_after_acknowledging_loses_nothing_and_doubles_nothing(stack: Stack, api: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: predict(api), range(200)))
    stack.kill("kafka", signal.SIGKILL)
    stack.wait_ready("kafka")
    wait_for(lambda: stored(stack.settings, ids) == Counter(ids), seconds=120, what="every acknowledged prediction")
    wait_for(lambda: outbox_size(stack.settings) == 0, seconds=60, what="an empty outbox")


def test_what_kafka_lost_of_the_many_events_of_one_commit_is_sent_again_and_arrives_once(
    stack: Stack, api: httpx.Client
) -> None:
    first = predict(api)
    wait_for(lambda: stored(stack.settings, [first]) == Counter([first]), seconds=60, what="an event to copy")
    like = Predictions(lambda: clickhouse(stack.settings)).one(UUID(first))
    assert like
    events = [like.model_copy(update={"prediction_id": uuid4(), "made_at": wall_now()}) for _ in range(300)]
    ids = [str(event.prediction_id) for event in events]
    asyncio.run(record(stack.settings, [outbox_row(event) for event in events]))
    assert number(stack.settings, "SELECT size FROM outbox_batches WHERE id = %s", ids[0]) == len(ids)
    producer = EventProducer(stack.settings.kafka, "test")
    for event in events[:100]:
        producer.send(Topic.PREDICTIONS, event)
    producer.close()
    wait_for(lambda: stored(stack.settings, ids) == Counter(ids), seconds=60, what="every event in ClickHouse")
    wait_for(lambda: outbox_size(stack.settings) == 0, seconds=60, what="an empty outbox")
    assert number(stack.settings, "SELECT count(*) FROM outbox_batches") == 0


def test_a_training_whose_worker_is_killed_runs_again_and_is_committed_once(stack: Stack, api: httpx.Client) -> None:
    accepted = api.post(
        "/api/train",
        json={"ticker": "MSFT", "exchange": "US", "model_type": "hist_gradient_boosting", "horizon": 3},
    )
    assert accepted.status_code == 202, accepted.text
    url = accepted.headers["Location"]
    wait_for(lambda: job(api, url)["state"] == "running", seconds=30, what="the job to run")
    stack.kill("celery_train", signal.SIGKILL)
    runs = "SELECT attempts FROM jobs WHERE id = %s"
    wait_for(
        lambda: number(stack.settings, runs, accepted.json()["task_id"]) == 2, seconds=60, what="the job to run again"
    )
    wait_for(lambda: job(api, url)["state"] == "completed", seconds=180, what="the job to end")
    versions = api.get(f"/api/models/{job(api, url)['result']['model_id']}").json()["versions"]
    assert len(versions) == 1


def test_jobs_survive_an_emptied_redis(stack: Stack, api: httpx.Client) -> None:
    stack.stop("celery_predict")
    try:
        accepted = api.post("/api/predict/future/", json={"ticker": "AAPL", "exchange": "US", "days": 2})
        assert accepted.status_code == 202, accepted.text
        with redis.Redis.from_url(stack.settings.redis.url(stack.settings.redis.broker_db)) as broker:
            broker.flushall()
    finally:
        stack.start("celery_predict")
        stack.wait_ready("celery_predict")
    url = accepted.json()["status_url"]
    wait_for(lambda: job(api, url)["state"] == "completed", seconds=90, what="the job whose message was lost")
    assert [item["horizon"] for item in job(api, url)["result"]["predictions"]] == [1, 2]
    assert predict(api)
