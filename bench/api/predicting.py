"""POST /api/predict/ at load, beside ``mlflow models serve`` of the same model and beside a constant route.

One worker process each; outbox and Kafka on; the same generator, in turns.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from psutil import NoSuchProcess, Process

from bench.api.load import Load, closed_loop, paced, wait_until_up

if TYPE_CHECKING:
    from stock_local.testing import LocalStack

_TICKER = "AAPL"
_REQUEST = {"ticker": _TICKER, "exchange": "US", "horizon": 1}
_BODY = json.dumps(_REQUEST).encode()
# What Kafka's consumers still do after the last answer belongs to it.
_AFTERMATH = 3.0
_FLUSHES, _PAGE = 200, 8192
_ROUNDS = 5

_SCOPES = ("read", "predict", "write")
# Who works for an answer, besides who gives it.
_HELPERS = ("model_meta_db", "kafka", "ws_monitor", "clickhouse", "redis")
_HEADING = "| what | load | answers/s | p50 | p99 | failed | CPU of an answer |\n|---|---|--:|--:|--:|--:|--:|"


class Rounds:
    """One route's loads, a few seconds each; the others had theirs in between."""

    def __init__(self, what: str, server: Process, url: str, body: bytes) -> None:
        self.what = what
        self._server, self._url, self._body = server, url, body
        self.loads: list[Load] = []
        self._cpu = 0.0

    def load(self, seconds: int, connections: int) -> None:
        before = _cpu_seconds(self._server)
        self.loads.append(closed_loop(self._url, self._body, seconds, connections))
        self._cpu += _cpu_seconds(self._server) - before

    def median(self, value: str) -> float:
        return float(median(getattr(load, value) for load in self.loads))

    def over(self, other: Rounds, value: str) -> str:
        """The median of each round's ratio, and the rounds' own."""
        ratios = [getattr(ours, value) / getattr(its, value) for ours, its in zip(self.loads, other.loads, strict=True)]
        return f"{median(ratios):.3g} (rounds: {', '.join(f'{ratio:.3g}' for ratio in ratios)})"

    def report(self) -> None:
        answers, failed = (sum(getattr(load, value) for load in self.loads) for value in ("answers", "failed"))
        middle = f"{self.median('rate'):,.0f} | {self.median('p50'):.1f} ms | {self.median('p99'):.1f} ms"
        each = f"{self._cpu / answers * 1e3:.2f} ms"
        print(f"| {self.what} | {self.loads[0].generator} | {middle} | {failed} | {each} |", flush=True)


def run(stack: LocalStack, seconds: int, connections: int, *, with_mlflow: bool) -> None:
    """Load the sample, train LightGBM on its default features, then measure: the routes take turns, so that a machine
    whose speed changes from second to second is as slow for one as for the other."""
    result = _prepare(stack, {})
    url = f"{stack.settings.backend2.url}/api/predict/"
    backend2 = Process(stack.pid("backend2"))
    ours = Rounds("POST /api/predict/", backend2, url, _BODY)
    spent: Counter[str] = Counter()
    with ExitStack() as servers:
        others = [Rounds("constant route", *servers.enter_context(_constant(stack.env)), _BODY)]
        if with_mlflow:
            others.append(Rounds("mlflow models serve", *servers.enter_context(_mlflow(stack, result))))
        for _ in range(_ROUNDS):
            before = _helpers_seconds(stack)
            ours.load(seconds, connections)
            sleep(_AFTERMATH)
            spent.update({name: seconds - before[name] for name, seconds in _helpers_seconds(stack).items()})
            for other in others:
                other.load(seconds, connections)
        for measured in (ours, *others):
            measured.report()
    _report("POST /api/predict/", backend2, lambda: paced(url, _BODY, 2 * seconds, 200))
    print(f"\nof the constant route's throughput: {ours.over(others[0], 'rate')}; target 0.5")
    answers = sum(load.answers for load in ours.loads)
    shares = ", ".join(f"{name} {seconds / answers * 1e3:.2f} ms" for name, seconds in spent.items())
    print(f"others' CPU of an answer: {shares}")
    for served in others[1:]:
        print(f"throughput over mlflow models serve: {ours.over(served, 'rate')} times; target 20")
        print(f"p99 of mlflow models serve over ours: {served.over(ours, 'p99')} times; target 20")


def run_with_access(stack: LocalStack, seconds: int, connections: int) -> None:
    """As :func:`run`, of our route alone, for callers with an API key; accounts are on."""
    stack.require("backend1")
    made = stack.cli("api-keys", "create", "bench", *(part for scope in _SCOPES for part in ("--scope", scope)))
    check(made)
    headers = {"X-API-Key": made.stdout.strip().splitlines()[-1]}
    _prepare(stack, headers)
    ours, backend2 = f"{stack.settings.backend2.url}/api/predict/", Process(stack.pid("backend2"))
    _report("with an API key", backend2, lambda: closed_loop(ours, _BODY, seconds, connections, headers))
    _report("with an API key", backend2, lambda: paced(ours, _BODY, seconds, 200, headers))


def _prepare(stack: LocalStack, headers: Mapping[str, str]) -> dict[str, Any]:
    """The champion, asked often enough to be warm; prints the table's heading."""
    stack.require("backend1", "backend2", "celery_train", "mlflow", "ws_monitor")
    check(stack.cli("etl", "--source", "sample", "--direct"))
    definition = {"ticker": _TICKER, "exchange": "US", "model_type": "lightgbm", "horizon": 1}
    result = train(stack, definition, _TICKER, headers)
    with httpx.Client(headers=headers) as client:
        for _ in range(200):  # connections, caches, the model in memory
            client.post(f"{stack.settings.backend2.url}/api/predict/", json=_REQUEST).raise_for_status()
    stack.stop("celery_train")
    p50, p99 = _flush_times(Path(stack.env["STOCK_LOCAL__DATA_DIR"]))
    print(f"a flush of the disk, which every commit waits for: p50 {p50:.1f} ms, p99 {p99:.1f} ms\n")
    print(_HEADING, flush=True)
    return result


def _flush_times(folder: Path) -> tuple[float, float]:
    """Milliseconds that the disk takes to keep eight kilobytes, without any load of ours."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(_FLUSHES * _PAGE))
        os.fsync(file.fileno())
        for number in range(_FLUSHES):
            started = perf_counter()
            os.pwrite(file.fileno(), b"x" * _PAGE, number * _PAGE)
            os.fdatasync(file.fileno())
            took.append((perf_counter() - started) * 1e3)
    p50, p99 = np.percentile(took, [50, 99])
    return float(p50), float(p99)


def _report(what: str, server: Process, measure: Callable[[], Load]) -> Load:
    before = _cpu_seconds(server)
    load = measure()
    each = (_cpu_seconds(server) - before) / load.answers * 1e3
    numbers = f"{load.rate:,.0f} | {load.p50:.1f} ms | {load.p99:.1f} ms | {load.failed} | {each:.2f} ms"
    print(f"| {what} | {load.generator} | {numbers} |", flush=True)
    return load


def _cpu_seconds(server: Process) -> float:
    """Of the process and its children, of those that are still there."""
    times = []
    for process in (server, *server.children(recursive=True)):
        with suppress(NoSuchProcess):  # PostgreSQL's sweepers come and go
            times.append(process.cpu_times())
    return sum(item.user + item.system for item in times)


def _helpers_seconds(stack: LocalStack) -> dict[str, float]:
    """CPU of the other processes of the stack so far, and of the load generator (this process's children)."""
    spent = {name: _cpu_seconds(Process(stack.pid(name))) for name in _HELPERS}
    generator = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {**spent, "load generator": generator.ru_utime + generator.ru_stime}


def train(
    stack: LocalStack, definition: dict[str, Any], ticker: str, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The version of ``definition``, which serves ``ticker`` when this returns."""
    with httpx.Client(base_url=stack.settings.backend1.url, headers=headers, timeout=30) as api:
        accepted = api.post("/api/train", json=definition).raise_for_status()
        url, deadline = accepted.headers["Location"], perf_counter() + 600
        while (job := api.get(url).json())["state"] not in ("completed", "failed") and perf_counter() < deadline:
            sleep(0.5)
    assert job["state"] == "completed", job
    result: dict[str, Any] = job["result"]
    if result["alias"] != "champion":
        check(stack.cli("promote", result["registered_name"], str(result["version"]), "--force"))
    deadline, version = perf_counter() + 120, (result["registered_name"], str(result["version"]))
    request = {"ticker": ticker, "exchange": "US", "horizon": 1}
    with httpx.Client(base_url=stack.settings.backend2.url, headers=headers, timeout=30) as api:
        while True:
            answer = api.post("/api/predict/", json=request).json()
            if (answer.get("model_name"), answer.get("model_version")) == version:
                return result
            assert perf_counter() < deadline, answer
            sleep(0.5)


@contextmanager
def _constant(env: dict[str, str]) -> Iterator[tuple[Process, str]]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.api.constant:app", "--port", str(port), "--no-access-log"]
    url = f"http://127.0.0.1:{port}/api/predict/"
    with _process(command, env, url, _BODY) as process:
        yield process, url


@contextmanager
def _mlflow(stack: LocalStack, result: dict[str, Any]) -> Iterator[tuple[Process, str, bytes]]:
    """The same version, asked with one row of its features."""
    with httpx.Client(base_url=stack.settings.backend2.url, timeout=30) as api:
        item = api.get("/api/predict/", params={"ticker": _TICKER, "limit": 1}).json()["items"][0]
        detail = api.get(f"/api/predict/{item['prediction_id']}").json()
    features = {share["name"]: share["value"] for share in detail["explanation"]["features"]}
    body = json.dumps({"dataframe_split": {"columns": list(features), "data": [list(features.values())]}}).encode()
    port = _free_port()
    model = f"models:/{result['registered_name']}/{result['version']}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model, "-p", str(port)]
    env = stack.env | {"MLFLOW_TRACKING_URI": stack.settings.mlflow.tracking_uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    url = f"http://127.0.0.1:{port}/invocations"
    with _process([*command, "--env-manager", "local", "--workers", "1"], env, url, body) as process:
        yield process, url, body


@contextmanager
def _process(command: Sequence[str], env: dict[str, str], url: str, body: bytes) -> Iterator[Process]:
    with tempfile.TemporaryDirectory(prefix="stock-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env={**os.environ, **env}, stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait_until_up(url, body, process, log)
            yield Process(process.pid)
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def check(done: subprocess.CompletedProcess[str]) -> None:
    """Of a command of the platform's."""
    assert done.returncode == 0, done.stdout + done.stderr
