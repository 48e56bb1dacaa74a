"""``python -m bench.ws``: starts a broker, a ClickHouse, ws_monitor and the load generator of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import httpx
import psutil
from stock_kit.clock import wall_now
from stock_kit.events import PredictionEvent, Topic
from stock_kit.kafka import EventProducer
from stock_kit.logging import configure_logging
from stock_local.testing import LocalStack, stack_environment

TARGET_MS = 500
_MB = 2**20
_SAMPLE_SECONDS = 5.0
_SETTLE_SECONDS = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ws", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--stalled", type=int, default=10, help="more clients, that never read")
    parser.add_argument("--rate", type=float, default=25.0, help="messages per second, for every client")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--before", type=int, default=20_000, help="messages sent first, to fill what is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-ws-") as folder, _stack(Path(folder)) as stack:
        configure_logging(stack.settings.log.model_copy(update={"level": "WARNING"}), "bench")
        pid = stack.pid("ws_monitor")
        assert pid is not None
        measure(stack, psutil.Process(pid), options)


@contextmanager
def _stack(folder: Path) -> Iterator[LocalStack]:
    stack = LocalStack(stack_environment(folder))
    try:
        stack.require("ws_monitor")
        yield stack
    finally:
        stack.close()


def measure(stack: LocalStack, server: psutil.Process, options: argparse.Namespace) -> None:
    """One run; prints what was seen."""
    _fill(stack, options.before)
    url = f"ws://127.0.0.1:{stack.settings.ws_monitor.port}/ws/predictions"
    numbers = ["--clients", str(options.clients), "--stalled", str(options.stalled)]
    generator = subprocess.Popen(
        [sys.executable, "-m", "bench.ws.clients", url, *numbers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert generator.stdin is not None
    assert generator.stdout is not None
    if generator.stdout.readline() != "ready\n":
        raise SystemExit("the load generator did not connect")
    load, cpu, crowd_cpu = os.getloadavg()[0], _cpu(server), _cpu(psutil.Process(generator.pid))
    sent, memory = _produce(stack, server, options.rate, options.seconds)
    sleep(_SETTLE_SECONDS)
    server_cpu = (_cpu(server) - cpu) / options.seconds
    generator_cpu = (_cpu(psutil.Process(generator.pid)) - crowd_cpu) / options.seconds
    generator.stdin.close()
    seen: dict[str, Any] = json.loads(generator.stdout.readline())
    generator.wait(timeout=30)
    print(f"load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores")
    print(f"sent {sent} messages in {options.seconds:g} s")
    for name, value in seen.items():
        print(f"  {name}: {value:,.0f}")
    print(f"  made to encoded, mean: {1000 * _mean_delay(stack):,.0f}")
    print(f"ws_monitor: {server_cpu:.0%} of a core; load generator: {generator_cpu:.0%}")
    # Of a long run one per minute.
    for at, size in memory if options.seconds <= 60 else [*memory[::12], memory[-1]]:
        print(f"  memory after {at:4.0f} s: {size / _MB:.1f} MB")
    met = seen["last_client_p99"] < TARGET_MS and seen["messages"] == sent and not seen["incomplete"]
    print(f"p99 to the last client under {TARGET_MS} ms, everything delivered once: {'met' if met else 'MISSED'}")


def _fill(stack: LocalStack, count: int) -> None:
    """Histories and the ids seen are bounded; once they are full memory is that of a service that has run for long."""
    producer = EventProducer(stack.settings.kafka, "bench")
    for number in range(count):
        producer.send(Topic.PREDICTIONS, _prediction(number))
        if number % 1000 == 0:
            assert producer.flush(60)
    assert producer.flush(60)
    producer.close()
    sleep(_SETTLE_SECONDS)


def _produce(
    stack: LocalStack, server: psutil.Process, rate: float, seconds: float
) -> tuple[int, list[tuple[float, int]]]:
    """Send evenly; returns how many, and ws_monitor's resident memory every few seconds."""
    producer = EventProducer(stack.settings.kafka, "bench")
    memory: list[tuple[float, int]] = []
    began = monotonic()
    count = round(rate * seconds)
    for number in range(count):
        sleep(max(0.0, began + number / rate - monotonic()))
        producer.send(Topic.PREDICTIONS, _prediction(number))
        if monotonic() - began >= _SAMPLE_SECONDS * len(memory):
            memory.append((monotonic() - began, server.memory_info().rss))
    assert producer.flush(30)
    memory.append((monotonic() - began, server.memory_info().rss))
    producer.close()
    return count, memory


def _prediction(number: int) -> PredictionEvent:
    """As one of 40 features looks."""
    return PredictionEvent(
        prediction_id=uuid4(),
        exchange="US",
        ticker=f"T{number % 100}",
        made_at=wall_now(),
        as_of=date(2012, 6, 29),
        target_session=date(2012, 7, 6),
        horizon=5,
        last_close=584.0,
        predicted_return=0.001,
        predicted_close=584.6,
        lower=560.0,
        upper=610.0,
        level=0.9,
        levels=(0.5, 0.8, 0.9),
        lowers=(580.0, 570.0, 560.0),
        uppers=(590.0, 600.0, 610.0),
        probability_up=0.51,
        model_name="stock-US-AAPL-5",
        model_version="3",
        model_type="lightgbm",
        run_id=uuid4().hex,
        feature_version="0123456789abcdef",
        data_version="0123456789abcdef",
        inputs=tuple(0.1 * index for index in range(40)),
    )


def _mean_delay(stack: LocalStack) -> float:
    """Seconds from the making of a message to its frame, as ws_monitor tells."""
    text = httpx.get(f"{stack.settings.ws_monitor.url}/metrics", trust_env=False).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if "stock_ws_delivery_seconds_" in line)
    channel = '{channel="predictions"}'
    total, count = (lines[f"stock_ws_delivery_seconds_{what}{channel}"] for what in ("sum", "count"))
    return float(total) / float(count)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
