import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from stock_kit.health import Readiness
from stock_kit.metrics import HttpMetricsMiddleware, Message, OperationsServer, Receive, Scope, Send


async def _receive() -> Message:
    return {"type": "http.request"}


def _request(middleware: HttpMetricsMiddleware, method: str, path: str) -> None:
    async def discard(message: Message) -> None:
        assert message["type"].startswith("http.response")

    asyncio.run(middleware({"type": "http", "method": method, "path": path}, _receive, discard))


def _count(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0.0


def _app(status: int, route: str | None) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if route is not None:
            scope["route"] = SimpleNamespace(path_format=route)
        await send({"type": "http.response.start", "status": status})

    return app


def test_the_label_is_the_route_template_with_or_without_trailing_slash() -> None:
    middleware = HttpMetricsMiddleware(_app(200, "/things/{id}/"))
    _request(middleware, "GET", "/things/1")
    _request(middleware, "GET", "/things/2/")
    assert _count("GET", "/things/{id}", "200") == 2


def test_unknown_paths_and_methods_share_one_label_each() -> None:
    middleware = HttpMetricsMiddleware(_app(404, None))
    _request(middleware, "BREW", "/a")
    _request(middleware, "STIR", "/b")
    assert _count("OTHER", "unmatched", "404") == 2


def test_an_exception_counts_as_500_and_passes_on() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("bug")

    before = _count("GET", "unmatched", "500")
    with pytest.raises(RuntimeError, match="bug"):
        _request(HttpMetricsMiddleware(broken), "GET", "/")
    assert _count("GET", "unmatched", "500") == before + 1


def test_the_operations_server_answers_metrics_health_and_ready() -> None:
    def down() -> None:
        raise OSError("no route to host")

    server = OperationsServer("127.0.0.1", 0, Readiness({"kafka": down})).start()
    base = f"http://127.0.0.1:{server.port}"
    try:
        with urllib.request.urlopen(f"{base}/metrics") as answer:  # noqa: S310
            assert b"python_info" in answer.read()
        with urllib.request.urlopen(f"{base}/health/") as answer:  # noqa: S310
            assert json.load(answer) == {"status": "ok"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{base}/ready")  # noqa: S310
        assert refused.value.code == 503
        assert json.load(refused.value)["checks"]["kafka"]["error"] == "OSError: no route to host"
    finally:
        server.close()


PARENT = """
import subprocess, sys
from pathlib import Path
from stock_kit.metrics import prepare_multiprocess
folder, worker, asker = sys.argv[1:]
prepare_multiprocess(Path(folder))
for program in (worker, worker, asker):
    subprocess.run([sys.executable, "-c", program], check=True)
"""
WORKER = """
from stock_kit.metrics import HTTP_REQUESTS, HTTP_RUNNING
HTTP_REQUESTS.labels("GET", "/x", "200").inc()
HTTP_RUNNING.inc()
"""
ASKER = """
from stock_kit.metrics import HTTP_RUNNING, render_metrics
HTTP_RUNNING.set(1)
print(render_metrics()[0].decode())
"""


def test_a_fork_waits_for_a_readiness_check_so_that_the_child_inherits_no_held_lock() -> None:
    held, pool = threading.Event(), threading.Lock()

    def connect() -> None:
        with pool:
            held.set()
            time.sleep(0.2)

    server = OperationsServer("127.0.0.1", 0, Readiness({"database": connect})).start()
    try:
        probe = threading.Thread(target=urllib.request.urlopen, args=(f"http://127.0.0.1:{server.port}/ready",))
        probe.start()
        assert held.wait(5)
        child = os.fork()
        if child == 0:
            os._exit(int(pool.locked()))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        probe.join(5)
    finally:
        server.close()


def test_workers_behind_one_port_are_added_up(tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PROMETHEUS")}
    command = [sys.executable, "-c", PARENT, str(tmp_path / "samples"), WORKER, ASKER]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)

    assert 'http_requests_total{method="GET",route="/x",status="200"} 2.0' in result.stdout
    assert "http_requests_in_progress 1.0" in result.stdout  # the two that ended no longer count
    memory = next(line for line in result.stdout.splitlines() if line.startswith("process_resident_memory_bytes "))
    assert float(memory.split()[1]) > 1e6


FORKING = """
import os, sys
from pathlib import Path
from stock_kit.metrics import prepare_multiprocess, render_metrics
prepare_multiprocess(Path(sys.argv[1]))
worker = '''
import os
from stock_kit.metrics import HTTP_REQUESTS, HTTP_SECONDS, render_metrics
def work(processes):
    for _ in range(processes):
        pid = os.fork()
        if pid == 0:
            HTTP_REQUESTS.labels("GET", "/x", "200").inc()
            HTTP_SECONDS.labels("GET", "/x").observe(0.003)
            os._exit(0)
        os.waitpid(pid, 0)
for processes in (40, 1, 40):
    work(processes)
    print(render_metrics()[0].decode())
'''
os.execv(sys.executable, [sys.executable, "-c", worker])
"""


def test_processes_that_ended_stay_counted_in_few_files(tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PROMETHEUS")}
    folder = tmp_path / "samples"
    command = [sys.executable, "-c", FORKING, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)

    def values(sample: str) -> list[str]:
        return [line.rpartition(" ")[2] for line in result.stdout.splitlines() if line.startswith(sample)]

    told = ["40.0", "41.0", "81.0"]
    assert values('http_requests_total{method="GET",route="/x",status="200"}') == told
    assert values('http_request_duration_seconds_count{method="GET",route="/x"}') == told
    assert values('http_request_duration_seconds_bucket{le="0.005",method="GET",route="/x"}') == told
    assert values('http_request_duration_seconds_bucket{le="0.0025",method="GET",route="/x"}') == ["0.0"] * 3
    assert len(list(folder.glob("counter_*.db"))) < 5
