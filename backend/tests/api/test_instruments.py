from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.instruments import MARKETS

from .desks import Desks

pytestmark = pytest.mark.anyio

APPLE = {"ticker": "AAPL", "exchange": "US"}
TSMC = {"ticker": "2330", "exchange": "TW"}


async def test_instruments_are_found_by_ticker_or_name(train: httpx.AsyncClient) -> None:
    async def found(query: str) -> list[str]:
        items = (await train.get(f"/api/instruments?{query}")).json()["items"]
        return [f"{item['exchange']}:{item['ticker']}" for item in items]

    assert await found("q=apple") == ["US:AAPL"]
    assert await found("q=%20brk%20") == ["US:BRK.B"]
    assert await found("exchange=tw") == ["TW:2330"]
    assert await found("limit=2") == ["US:AAPL", "US:BRK.B"]
    assert await found("q=nothing") == []
    item = (await train.get("/api/instruments?q=2330")).json()["items"][0]
    assert (item["name"], item["timeline"], item["yahoo_symbol"]) == ("Taiwan Semiconductor", "live", "2330.TW")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "exchange=MOON", "q=%00", "query=apple", f"q={'x' * 101}"])
async def test_an_odd_search_is_refused(train: httpx.AsyncClient, query: str) -> None:
    assert (await train.get(f"/api/instruments?{query}")).status_code == 422


async def test_every_exchange_tells_its_sessions_and_hours(train: httpx.AsyncClient) -> None:
    body = (await train.get("/api/exchanges")).json()
    items = {item["exchange"]: item for item in body["items"]}
    assert list(items) == list(MARKETS)
    assert (items["TW"]["name"], items["TW"]["timezone"]) == ("Taiwan Stock Exchange", "Asia/Taipei")
    assert items["HK"]["lunch_break"] == {"starts": "12:00", "ends": "13:00"}
    assert items["US"]["lunch_break"] is None
    assert all(item["next"]["opens_at"] < item["next"]["closes_at"] for item in items.values())
    assert items["CRYPTO"]["is_open"]


async def test_a_watchlist_is_made_read_replaced_and_deleted(train: httpx.AsyncClient) -> None:
    made = await train.post("/api/watchlists", json={"name": "mine", "instruments": [TSMC, {"ticker": "aapl"}]})
    assert made.status_code == 201
    path = made.headers["Location"]
    assert made.json()["instruments"] == [
        {"exchange": "TW", "ticker": "2330"},
        {"exchange": "US", "ticker": "AAPL"},
    ]
    assert (await train.get(path)).json() == made.json()
    assert (await train.get("/api/watchlists/")).json()["items"] == [made.json()]
    replaced = (await train.put(path, json={"name": "yours"})).json()
    assert (replaced["name"], replaced["instruments"]) == ("yours", [])
    assert (await train.delete(path)).status_code == 204
    assert [(await train.request(method, path)).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert (await train.put(path, json={"name": "gone"})).status_code == 404


async def test_the_lists_of_others_are_not_there(train: httpx.AsyncClient, desks: Desks) -> None:
    other = desks.create("somebody else", "theirs", [])
    assert (await train.get("/api/watchlists")).json()["items"] == []
    for method, body in (("GET", None), ("PUT", {"name": "stolen"}), ("DELETE", None)):
        answer = await train.request(method, f"/api/watchlists/{other.id}", json=body)
        assert answer.status_code == 404


async def test_two_watchlists_of_one_name_are_refused(train: httpx.AsyncClient) -> None:
    first, second = [(await train.post("/api/watchlists", json={"name": name})) for name in ("a", "b")]
    again = await train.post("/api/watchlists", json={"name": "a"})
    assert (again.status_code, again.json()["code"]) == (409, "watchlist_name_taken")
    assert (await train.put(second.headers["Location"], json={"name": "a"})).status_code == 409
    assert (await train.put(first.headers["Location"], json={"name": "a", "instruments": [APPLE]})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x\x00"},
        {"name": "x", "instruments": [APPLE, {"ticker": "aapl"}]},
        {"name": "x", "instruments": [{"ticker": "a b"}]},
        {"name": "x", "instruments": [{**APPLE, "exchange": "MOON"}]},
        {"name": "x", "tickers": ["AAPL"]},
        {"name": "x", "instruments": [{"ticker": f"T{number}"} for number in range(501)]},
    ],
)
async def test_a_wrong_watchlist_is_refused(train: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await train.post("/api/watchlists", json=body)).status_code == 422
    assert (await train.put(f"/api/watchlists/{uuid4()}", json=body)).status_code == 422


async def test_a_database_that_is_down_is_a_503(train: httpx.AsyncClient, desks: Desks) -> None:
    desks.error = DependencyUnavailableError("PostgreSQL", "refused")
    for path in ("/api/instruments", "/api/watchlists", "/api/system/versions", "/api/system/queues"):
        answer = await train.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
