from __future__ import annotations

import socket
from time import monotonic
from uuid import uuid4

import pytest
from stock_kit.settings import RedisSettings, Settings
from stock_mlops.stores.jobs import JobKind, JobRef
from stock_mlops.stores.queue import TASKS, CeleryQueue, celery_config


def test_what_is_lost_with_a_worker_is_never_kept_back_by_the_broker() -> None:
    config = celery_config(Settings())
    assert config["task_acks_late"] is False
    assert config["worker_prefetch_multiplier"] == 1
    assert config["accept_content"] == ["json"]
    assert config["result_backend"] is None
    assert config["broker_connection_max_retries"] is None


def test_every_queue_has_a_worker_of_its_name() -> None:
    assert {queue for _, queue in TASKS.values()} == {"train", "predict"}
    assert JobKind.ETL not in TASKS


@pytest.mark.parametrize("listening", [False, True], ids=["refused", "silent"])
def test_a_broker_that_does_not_answer_delays_a_request_by_seconds_at_most(listening: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        settings = Settings(redis=RedisSettings(port=server.getsockname()[1]))
        queue = CeleryQueue(settings)
        assert not queue.send(JobRef(uuid4(), JobKind.TRAIN))  # the first call imports the transport
        started = monotonic()
        assert not queue.send(JobRef(uuid4(), JobKind.TRAIN))
        assert monotonic() - started < 5
        queue.close()
