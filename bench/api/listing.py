"""The history of predictions: p50 and p99 of its pages over HTTP, with many predictions stored."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from time import perf_counter
from typing import TYPE_CHECKING

import httpx
import numpy as np
from psutil import Process
from stock_mlops.stores.clickhouse import open_client

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from stock_local.testing import LocalStack

_TICKERS = 800
_PARTS = 20
# One prediction every two seconds, of any ticker; the older half is settled.
_FILL = """
INSERT INTO predictions (
    prediction_id, exchange, ticker, made_at, as_of, target_session, horizon, last_close, predicted_return,
    predicted_close, lower, upper, level, probability_up, model_name, model_version, model_type, run_id, fallback,
    feature_version, data_version, origin, levels, lowers, uppers, inputs
)
SELECT generateUUIDv4(number), 'US', concat('T', toString(cityHash64(number) % {tickers:UInt32})) AS symbol,
    toDateTime64('2025-01-01 00:00:00', 6, 'UTC') + toIntervalSecond(2 * number) AS made,
    toDate32(made), toDate32(made) + 1 + number % 5, 1 + number % 5, 100, randNormal(0, 0.02) AS forecast,
    100 * exp(forecast) AS close, close * 0.97 AS low, close * 1.03 AS high, 0.9, rand() / 4294967296,
    concat('stock-US-', symbol), toString(1 + number % 7), 'ridge', hex(cityHash64(number)), false, '1', '1', 'api',
    [0.8, 0.9, 0.95], [low, low, low], [high, high, high], arrayMap(x -> x + number % 1000 / 7, range(40))
FROM numbers({start:UInt64}, {count:UInt64})
"""
_SETTLE = """
INSERT INTO settlements (
    prediction_id, exchange, ticker, made_at, as_of, target_session, horizon, model_name, model_version, origin,
    predicted_return, actual_close, actual_return, error, error_pct, random_walk_squared_error, settled_at, version
)
SELECT prediction_id, exchange, ticker, made_at, as_of, target_session, horizon, model_name, model_version, origin,
    predicted_return, 100, 0, predicted_return, predicted_close / 100 - 1, 0, now64(6), 1
FROM predictions WHERE made_at < (SELECT quantile(0.5)(made_at) FROM predictions)
"""


def run(stack: LocalStack, rows: int, requests: int) -> None:
    """Fill the stack's database, then measure."""
    stack.require("backend2")
    client = open_client(stack.settings.clickhouse.model_copy(update={"query_timeout": 3600}))
    started = perf_counter()
    if client.command("SELECT count() FROM predictions") != rows:
        for table in ("predictions", "predictions_by_time", "settlements", "settlements_by_time"):
            client.command(f"TRUNCATE TABLE {table}")
        _fill(client, rows)
    print(f"{rows:,} predictions of {_TICKERS} tickers stored in {perf_counter() - started:.0f} s", flush=True)
    tickers = [f"T{number}" for number in range(_TICKERS)]
    shuffled = random.Random(7).choices(tickers, k=requests)
    # A filter that leaves nothing out, each time another: the cache knows none of them.
    days = [str(date(1950, 1, 1) + timedelta(days=number)) for number in range(requests)]
    print("| page of 50 | cache | p50 | p99 | target | CPU of a request |\n|---|---|--:|--:|--:|--:|")
    with httpx.Client(base_url=stack.settings.backend2.url, timeout=60) as http:
        api = Timed(http, [Process(stack.pid(name)) for name in ("backend2", "clickhouse")])
        _report("newest", "no", api, ({"start": day} for day in days), 60)
        _report("newest of one ticker", "no", api, ({"exchange": "US", "ticker": item} for item in shuffled), 60)
        _report("newest of one model", "no", api, ({"model": f"stock-US-{item}"} for item in shuffled), None)
        _report("newest that are settled", "no", api, ({"settled": "true", "start": day} for day in days), None)
        _report("older, by cursor", "no", api, _pages(http, requests), None)
        _report("newest", "yes", api, ({} for _ in range(requests)), 20)


def _fill(client: Client, rows: int) -> None:
    part = -(-rows // _PARTS)
    for start in range(0, rows, part):
        client.command(_FILL, parameters={"tickers": _TICKERS, "start": start, "count": min(part, rows - start)})
    client.command(_SETTLE)


def _pages(api: httpx.Client, count: int) -> Iterator[dict[str, str]]:
    """Queries of one page after the other, each with the cursor of the one before."""
    query = {"limit": "50"}
    for _ in range(count):
        query = {"cursor": api.get("/api/predict/", params=query).json()["next_cursor"]}
        yield query


@dataclass(frozen=True, slots=True)
class Timed:
    """A client, and the processes that work for it."""

    http: httpx.Client
    servers: Sequence[Process]

    def cpu_seconds(self) -> float:
        times = [server.cpu_times() for server in self.servers]
        return sum(item.user + item.system for item in times)


def _report(what: str, cached: str, api: Timed, queries: Iterable[dict[str, str]], target: int | None) -> None:
    took: list[float] = []
    cpu = 0.0
    for query in queries:
        before, started = api.cpu_seconds(), perf_counter()
        answer = api.http.get("/api/predict/", params=query)
        took.append((perf_counter() - started) * 1e3)
        cpu += api.cpu_seconds() - before
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) == 50
    p50, p99 = np.percentile(took, [50, 99])
    aim = "" if target is None else f"{target} ms"
    each = cpu / len(took) * 1e3
    print(f"| {what} | {cached} | {p50:.1f} ms | {p99:.1f} ms | {aim} | {each:.1f} ms |", flush=True)
