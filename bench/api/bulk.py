"""``POST /api/predict/bulk`` beside as many single predictions, one after the other, of the same tickers.

They take turns, since a machine that others share is half as quick again from one second to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

import httpx
import numpy as np
import orjson
from stock_mlops.stores.clickhouse import open_client

from bench.api.predicting import check, train
from bench.etl.synthetic import write_file

if TYPE_CHECKING:
    from stock_local.testing import LocalStack

_SESSIONS = 440  # features need 60 before a first row, a training 364 rows
_AT_ONCE = 1000
_TARGET = 50
_CALLS = 3  # of a round


def run(stack: LocalStack, tickers: int, rounds: int, model_types: list[str]) -> None:
    """Load made-up tickers, train one panel of them per model type, then measure."""
    stack.require("backend1", "backend2", "celery_train", "mlflow", "ws_monitor")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "prices.parquet"
        write_file(file, tickers, _SESSIONS)
        check(stack.cli("etl", "--source", "file", str(file), "--direct"))
    found = open_client(stack.settings.clickhouse).query("SELECT DISTINCT ticker FROM prices ORDER BY ticker")
    names = [row[0] for row in found.result_rows]
    print(f"{len(names):,} tickers of one panel, horizon 1, outbox and Kafka on; medians of {rounds} rounds")
    print(f"| model | {len(names):,} single | bulk, {_AT_ONCE} a call | faster | target |\n|---|--:|--:|--:|--:|")
    for model_type in model_types:
        definition = {"panel": model_type.replace("_", "-"), "tickers": names, "exchange": "US", "horizon": 1}
        train(stack, {**definition, "model_type": model_type}, names[0])
        with httpx.Client(base_url=stack.settings.backend2.url, timeout=60) as api:
            _round(api, names)  # fills the caches
            single, bulk = np.array([_round(api, names) for _ in range(rounds)]).T
        ratios = single / bulk
        middle = f"{np.median(single):.2f} s | {np.median(bulk):.4f} s | {np.median(ratios):.0f}x"
        each = ", ".join(f"{ratio:.0f}" for ratio in ratios)
        print(f"| {model_type} | {middle} | {_TARGET}x | rounds: {each}", flush=True)


def _round(api: httpx.Client, names: list[str]) -> tuple[float, float]:
    """Seconds of the single predictions, and of a thousand in bulk: the median of some."""
    return _timed(lambda: _single(api, names)), median(_timed(lambda: _bulk(api, names)) for _ in range(_CALLS))


def _timed(work: Callable[[], None]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _single(api: httpx.Client, names: list[str]) -> None:
    for name in names:
        answer = api.post("/api/predict/", json={"ticker": name, "exchange": "US", "horizon": 1})
        assert not orjson.loads(answer.raise_for_status().content)["fallback"]


def _bulk(api: httpx.Client, names: list[str]) -> None:
    for first in range(0, len(names), _AT_ONCE):
        instruments = [{"ticker": name, "exchange": "US"} for name in names[first : first + _AT_ONCE]]
        answer = api.post("/api/predict/bulk", json={"instruments": instruments, "horizon": 1}).raise_for_status()
        assert orjson.loads(answer.content)["failed"] == 0, answer.text[:500]
