"""``POST /api/predict/bulk`` beside as many single predictions, one after the other, of the same tickers.

They take turns, since a machine that others share is half as quick again from one second to the next. Each starts once
what was predicted before has been stored, so that none is charged with another's work.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import TYPE_CHECKING

import httpx
import numpy as np
import orjson
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.outbox import Outbox
from stock_mlops.stores.postgres import get_engine

from bench.api.predicting import check, train
from bench.etl.synthetic import write_file

if TYPE_CHECKING:
    from stock_local.testing import LocalStack

_SESSIONS = 440  # features need 60 before a first row, a training 364 rows
_AT_ONCE = 1000
_TARGET = 50
_CALLS = 3  # of a round
_LOOK = 0.3  # seconds


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
    outbox = Outbox(get_engine(stack.settings.model_meta_db))
    for model_type in model_types:
        definition = {"panel": model_type.replace("_", "-"), "tickers": names, "exchange": "US", "horizon": 1}
        train(stack, {**definition, "model_type": model_type}, names[0])
        with httpx.Client(base_url=stack.settings.backend2.url, timeout=60) as api:
            _round(api, names, outbox)  # fills the caches
            single, bulk, after_another = np.array([_round(api, names, outbox) for _ in range(rounds)]).T
        ratios = single / bulk
        middle = f"{np.median(single):.2f} s | {np.median(bulk):.4f} s | {np.median(ratios):.0f}x"
        each = ", ".join(f"{ratio:.0f}" for ratio in ratios)
        print(
            f"| {model_type} | {middle} | {_TARGET}x | rounds: {each};"
            f" right after another call {np.median(after_another):.4f} s, {np.median(single / after_another):.0f}x",
            flush=True,
        )


def _round(api: httpx.Client, names: list[str], outbox: Outbox) -> tuple[float, float, float]:
    """Seconds of the single predictions, of a thousand in bulk, and of as many right after: medians of some calls."""
    _wait(outbox)
    single = _timed(lambda: [_single(api, name) for name in names])
    bulk, after_another = [], []
    for _ in range(_CALLS):
        _wait(outbox)
        bulk.append(_timed(lambda: _bulk(api, names)))
        after_another.append(_timed(lambda: _bulk(api, names)))
    return single, median(bulk), median(after_another)


def _wait(outbox: Outbox) -> None:
    """Until all that was predicted is stored."""
    while outbox.load().size:
        sleep(_LOOK)
    sleep(_LOOK)


def _timed(ask: Callable[[], list[bytes]]) -> float:
    """Until the answers have been read; what they say is looked at afterwards."""
    started = perf_counter()
    answers = ask()
    taken = perf_counter() - started
    for answer in map(orjson.loads, answers):
        assert not answer.get("fallback"), answer
        assert not answer.get("failed"), str(answer)[:500]
    return taken


def _single(api: httpx.Client, name: str) -> bytes:
    answer = api.post("/api/predict/", json={"ticker": name, "exchange": "US", "horizon": 1})
    return answer.raise_for_status().content


def _bulk(api: httpx.Client, names: list[str]) -> list[bytes]:
    answers = []
    for first in range(0, len(names), _AT_ONCE):
        instruments = [{"ticker": name, "exchange": "US"} for name in names[first : first + _AT_ONCE]]
        answer = api.post("/api/predict/bulk", json={"instruments": instruments, "horizon": 1})
        answers.append(answer.raise_for_status().content)
    return answers
