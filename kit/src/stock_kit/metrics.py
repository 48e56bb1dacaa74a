"""Prometheus for every service: rendering, an ASGI middleware, and a small HTTP server for processes without one.

With several worker processes behind one port (``prepare_multiprocess``) every process writes its samples to files that
whichever worker is asked adds up, so that ``/metrics`` is right whoever answers.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.registry import Collector

from stock_kit.health import Readiness

# When a counter began to count is another sample for each; nobody here asks.
disable_created_metrics()  # type: ignore[no-untyped-call]

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

# Every file is read at every scrape, and a worker that replaces its processes leaves some each time.
_MANY_FILES = 16
# The process under whose number the samples of all that ended are kept; none has it.
_ENDED = 0

# From a cached answer (1 ms) to a cold one (seconds); p99 limits of the API lie at 25 and 100 ms.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

HTTP_REQUESTS = Counter("http_requests_total", "HTTP requests answered", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "http_request_duration_seconds", "Time to answer", ["method", "route"], buckets=LATENCY_BUCKETS
)
HTTP_RUNNING = Gauge("http_requests_in_progress", "Requests being answered", multiprocess_mode="livesum")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def prepare_multiprocess(folder: Path) -> None:
    """Let this process and those that it starts share their samples in ``folder``, emptied first.

    To be called by the parent of the workers, which must not have imported ``prometheus_client`` to any effect: the
    kind of storage is chosen when a metric is declared, which is why this sets the environment for the children.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[MULTIPROCESS_VARIABLE] = str(folder)


def render_metrics() -> tuple[bytes, str]:
    """The body of ``/metrics`` and its content type."""
    folder = os.environ.get(MULTIPROCESS_VARIABLE)
    if not folder:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Workers(Path(folder)))
    with _alone(Path(folder)):
        _bury(Path(folder))
        return generate_latest(registry), CONTENT_TYPE_LATEST


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Whichever workers are asked at once, one reads at a time: none sees files that another is adding up."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bury(folder: Path) -> None:
    """Forget the gauges of processes that ended, and keep what they counted."""
    ended = {pid for pid in _pids(folder) if pid != _ENDED and not _runs(pid)}
    for pid in ended:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
    for kind in ("counter", "histogram"):
        files = [file for pid in ended if (file := folder / f"{kind}_{pid}.db").exists()]
        if len(files) > _MANY_FILES:
            _add_up(files, folder / f"{kind}_{_ENDED}.db")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _add_up(files: Sequence[Path], into: Path) -> None:
    total = MmapedDict(str(into))  # type: ignore[no-untyped-call]
    for file in files:
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            total.write_value(key, total.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
        file.unlink()
    total.close()  # type: ignore[no-untyped-call]


def _pids(folder: Path) -> set[int]:
    return {int(file.stem.rsplit("_", 1)[-1]) for file in folder.glob("*.db")}


class _Workers(Collector):
    """Memory and CPU of all workers together; prometheus_client tells of one process only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        memory = cpu = 0.0
        ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        for pid in _pids(self._folder):
            with suppress(OSError):  # it ended meanwhile
                memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                cpu += (int(fields[11]) + int(fields[12])) / ticks
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory of all workers", value=memory)
        yield CounterMetricFamily("process_cpu_seconds", "CPU time of all workers", value=cpu)


def route_template(scope: Scope) -> str:
    """``/api/models/{model_id}`` rather than the path that came: a label must have few values."""
    path = getattr(scope.get("route"), "path_format", None)
    return (path.rstrip("/") or "/") if isinstance(path, str) else "unmatched"


class HttpMetricsMiddleware:
    """Counts and times requests by method, route template and status; pure ASGI, for frameworks that set ``route``."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app
        # labels() takes a lock and formats strings; there are few combinations, so they are kept.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._timers: dict[tuple[str, str], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        HTTP_RUNNING.inc()
        started = time.perf_counter()
        try:
            await self.app(scope, receive, note_status)
        finally:
            HTTP_RUNNING.dec()
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], route_template(scope)
        if method not in _METHODS:
            method = "OTHER"
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._counters[method, route, status] = HTTP_REQUESTS.labels(method, route, str(status))
        timer = self._timers.get((method, route))
        if timer is None:
            timer = self._timers[method, route] = HTTP_SECONDS.labels(method, route)
        counter.inc()
        timer.observe(seconds)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


# A child inherits every lock as it was when its parent forked: one that another thread held then (of an import, a
# connection pool, a stream) is never released in it, and the child waits for ever. So nothing is answered meanwhile.
_answering = threading.Lock()
os.register_at_fork(before=_answering.acquire, after_in_parent=_answering.release, after_in_child=_answering.release)


class OperationsServer:
    """``/metrics``, ``/health`` and ``/ready`` from daemon threads, for a process that serves no other HTTP.

    The process may fork: that waits for the answer that is being worked out.
    """

    def __init__(self, host: str, port: int, readiness: Readiness | None = None) -> None:
        self._server = ThreadingHTTPServer((host, port), partial(_OperationsHandler, readiness or Readiness({})))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="operations", daemon=True)

    @property
    def port(self) -> int:
        """The port in use, also when 0 was asked for."""
        return int(self._server.server_address[1])

    def start(self) -> OperationsServer:
        self._thread.start()
        return self

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(timeout=5)
        self._server.server_close()


class _OperationsHandler(BaseHTTPRequestHandler):
    def __init__(self, readiness: Readiness, *args: Any) -> None:
        self._readiness = readiness
        super().__init__(*args)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        if path == "/metrics":
            with _answering:
                content, content_type = render_metrics()
            self._answer(200, content, content_type)
        elif path == "/health":
            self._answer_json(200, {"status": "ok"})
        elif path == "/ready":
            with _answering:
                report = self._readiness.report()
            self._answer_json(report.status, report.to_dict())
        else:
            self._answer_json(404, {"title": "Not found", "detail": "expected /metrics, /health or /ready"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Say nothing: a probe every few seconds is no news."""

    def _answer_json(self, status: int, body: object) -> None:
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
