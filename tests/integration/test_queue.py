"""Queueing a job while the broker is away; its timeouts take seconds to pass."""

from __future__ import annotations

import socket
from time import monotonic
from uuid import uuid4

import pytest
from stock_kit.server_settings import RedisSettings
from stock_kit.settings import Settings
from stock_mlops.stores.jobs import JobKind, JobRef
from stock_mlops.stores.queue import CeleryQueue

pytestmark = pytest.mark.integration


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
