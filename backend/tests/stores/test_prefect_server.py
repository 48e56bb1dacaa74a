from __future__ import annotations

import httpx
import pytest
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.stores.prefect_server import PrefectServer

DEPLOYMENTS = [
    {
        "id": "d1",
        "name": "monitoring",
        "description": None,
        "tags": ["monitoring"],
        "schedules": [
            {"active": True, "schedule": {"interval": 3600.0, "timezone": "UTC"}},
            {"active": False, "schedule": {"interval": 60.0}},
        ],
        "parameter_openapi_schema": {"properties": {"tickers": {}, "exchange": {}}},
    },
    {
        "id": "d2",
        "name": "etl-after-close",
        "schedules": [{"active": True, "schedule": {"cron": "30 16 * * 1", "timezone": "America/New_York"}}],
    },
]
RUNS = {
    "d1": [
        {"id": "later", "state_type": "SCHEDULED", "expected_start_time": "2026-11-22T11:10:00+00:00"},
        {"id": "next", "state_type": "SCHEDULED", "expected_start_time": "2026-11-22T10:10:00+00:00"},
        {"id": "last", "state_type": "COMPLETED", "start_time": "2026-11-22T09:10:01+00:00"},
        {"id": "before", "state_type": "FAILED", "start_time": "2026-11-22T08:10:01+00:00"},
    ],
    "d2": [],
}


@pytest.fixture
def server() -> PrefectServer:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/deployments/filter":
            return httpx.Response(200, json=DEPLOYMENTS)
        body = httpx.Response(200, content=request.content).json()
        (wanted,) = body["deployments"]["id"]["any_"]
        return httpx.Response(200, json=RUNS[wanted])

    server = PrefectServer("http://prefect/api")
    server._client = httpx.Client(base_url="http://prefect/api", transport=httpx.MockTransport(answer))
    return server


def test_a_deployment_tells_its_newest_run_and_the_next_one(server: PrefectServer) -> None:
    found = server.deployments()[0]
    assert (found.flow, found.description, found.parameters) == ("monitoring", "", ("tickers", "exchange"))
    assert (found.last_run_id, found.last_run_state) == ("last", "COMPLETED")
    assert found.next_run_at is not None
    assert found.next_run_at.hour == 10


def test_schedules_that_are_active_are_put_in_words(server: PrefectServer) -> None:
    assert [item.schedules for item in server.deployments()] == [
        ("every 3600 s",),
        ("30 16 * * 1 America/New_York",),
    ]


def test_a_flow_that_never_ran_has_no_run(server: PrefectServer) -> None:
    found = server.deployments()[1]
    assert (found.last_run_id, found.last_run_state, found.last_run_at, found.next_run_at) == (None, None, None, None)


def test_a_server_that_does_not_answer_is_named() -> None:
    with PrefectServer("http://127.0.0.1:9/api", timeout=0.2) as server, pytest.raises(DependencyUnavailableError):
        server.deployments()
