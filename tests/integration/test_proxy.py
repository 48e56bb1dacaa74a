"""Sockets through nginx."""

from __future__ import annotations

import json

import pytest
from stock_local.testing import LocalStack
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_a_socket_passes_nginx_and_one_whose_service_is_away_is_answered_as_the_api_would(
    local_stack: LocalStack,
) -> None:
    local_stack.require("nginx", "ws_monitor")
    url = local_stack.url.replace("http://", "ws://") + "/ws/predictions"
    with connect(url) as connection:
        assert json.loads(connection.recv(timeout=30))["kind"] == "snapshot"
        connection.send("ping")
        assert json.loads(connection.recv(timeout=30))["kind"] == "ping"
        local_stack.stop("ws_monitor")
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    try:
        with pytest.raises(InvalidStatus) as refused:
            connect(url)
    finally:
        local_stack.start("ws_monitor")
    answer = refused.value.response
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "5"
    assert json.loads(answer.body or b"")["code"] == "unavailable"
    with connect(url) as connection:
        assert json.loads(connection.recv(timeout=30))["kind"] == "snapshot"
