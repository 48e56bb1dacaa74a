"""How often and how much one may ask, from which pages, and what holds while Redis or the database is down."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from redis.exceptions import ConnectionError as RedisDownError
from sqlalchemy.exc import OperationalError
from stock_kit.access import Scope

from .door import Door

pytestmark = pytest.mark.anyio


async def test_callers_are_counted_and_told_when_to_come_again(train: httpx.AsyncClient, door: Door) -> None:
    statuses = [(await train.get("/api/models/", headers=door.token("viewer"))).status_code for _ in range(51)]
    assert statuses == [200] * 50 + [429]
    refused = await train.get("/api/models/", headers=door.token("viewer"))
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await train.get("/api/models/", headers=door.token("operator"))).status_code == 200


async def test_without_redis_calls_pass_uncounted(train: httpx.AsyncClient, door: Door) -> None:
    async def uncounted() -> float:
        found = re.search(
            r"^stock_rate_limit_unavailable_total (\S+)$", (await train.get("/metrics")).text, re.MULTILINE
        )
        assert found is not None
        return float(found[1])

    before = await uncounted()
    door.budget.error = RedisDownError("refused")
    statuses = {(await train.get("/api/models/", headers=door.token("viewer"))).status_code for _ in range(60)}
    assert statuses == {200}
    assert await uncounted() - before == 60


async def test_who_was_known_comes_in_while_the_database_is_down(
    train: httpx.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await train.get("/api/models/", headers=door.token("viewer"))).status_code == 200
    monkeypatch.setattr("stock_mlops.services.callers._FRESH_SECONDS", 0.0)
    door.lookup_error = OperationalError("SELECT", {}, Exception("refused"))
    assert (await train.get("/api/models/", headers=door.token("viewer"))).status_code == 200
    unknown = await train.get("/api/models/", headers=door.token("operator"))
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "5")


async def test_who_invents_keys_does_not_keep_out_who_is_known(
    train: httpx.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = door.key(Scope.READ)
    assert (await train.get("/api/models/", headers=known)).status_code == 200
    find, running, most = door.api_keys.find, [0], [0]
    release = threading.Event()

    def slow(key: str) -> Any:
        if key != known["X-API-Key"]:
            running[0] += 1
            most[0] = max(most[0], running[0])
            assert release.wait(10)
            running[0] -= 1
        return find(key)

    monkeypatch.setattr(door.callers, "_find_key", slow)
    monkeypatch.setattr("stock_mlops.services.callers._FRESH_SECONDS", 0.0)
    async with anyio.create_task_group() as flood:
        for number in range(60):
            flood.start_soon(lambda number=number: train.get("/api/models/", headers={"X-API-Key": f"smk_{number}"}))
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(5):
            assert (await train.get("/api/models/", headers=known)).status_code == 200
        release.set()
    assert most[0] <= 2


async def test_bodies_are_measured_as_they_come(train: httpx.AsyncClient, door: Door) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 100

    honest = await train.post("/api/models/", content=b" " * 4000, headers=door.token("operator"))
    hidden = await train.post("/api/models/", content=stream(), headers=door.token("operator"))
    lying = await train.post(
        "/api/models/", content=b" " * 4000, headers={**door.token("operator"), "Content-Length": "10"}
    )
    for answer in (honest, hidden, lying):
        assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
        assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "zstd"])
async def test_a_compressed_body_is_refused(train: httpx.AsyncClient, door: Door, encoding: str) -> None:
    headers = {**door.token("operator"), "Content-Encoding": encoding}
    answer = await train.post("/api/models/", content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_pages_of_the_named_origins_may_call_and_no_others(train: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = await train.options("/api/models/", headers={"Origin": "https://desk.example", **asked})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    refused = await train.options("/api/models/", headers={"Origin": "https://evil.example", **asked})
    assert "Access-Control-Allow-Origin" not in refused.headers
    # A page can read why it was refused.
    answer = await train.get("/api/models/", headers={"Origin": "https://desk.example"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, "https://desk.example")
