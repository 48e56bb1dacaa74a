"""Load on a route that takes POST, and how long the answers took."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from urllib.parse import urlsplit

import numpy as np

_NONE: Mapping[str, str] = MappingProxyType({})
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}


@dataclass(frozen=True, slots=True)
class Load:
    generator: str
    answers: int
    rate: float
    """Answers per second."""
    p50: float
    """Milliseconds."""
    p99: float
    failed: int


def closed_loop(url: str, body: bytes, seconds: int, connections: int, headers: Mapping[str, str] = _NONE) -> Load:
    """As fast as so many connections go, each waiting for its answer: wrk with one thread.

    Raises:
        RuntimeError: wrk is not installed (Debian: ``apt-get install wrk``).
    """
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is missing: apt-get install wrk")
    script = f'wrk.method = "POST"\nwrk.body = {_lua(body)}\n'
    for name, value in {"Content-Type": "application/json", **headers}.items():
        script += f'wrk.headers["{name}"] = "{value}"\n'
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", file.name, url]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = int(refused[1]) if refused else 0
    failed += sum(map(int, broken.groups())) if broken else 0
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert rate is not None, text
    total = re.search(r"(\d+) requests in", text)
    assert total is not None, text
    percentiles = _percentile(text, "50%"), _percentile(text, "99%")
    return Load(f"wrk -t1 -c{connections}", int(total[1]), float(rate[1]), *percentiles, failed)


def _percentile(text: str, name: str) -> float:
    found = re.search(rf"\s{name}\s+([\d.]+)(us|ms|s|m)\b", text)
    assert found is not None, text
    return float(found[1]) * _UNITS[found[2]]


def _lua(body: bytes) -> str:
    return '"' + body.decode().replace("\\", "\\\\").replace('"', '\\"') + '"'


def paced(url: str, body: bytes, seconds: int, rate: int, headers: Mapping[str, str] = _NONE) -> Load:
    """So many requests a second, whether the answers keep up or not: an asyncio client of our own. A request's time
    runs from the moment at which it was due, so a queue counts."""
    return asyncio.run(_paced(url, body, seconds, rate, headers))


async def _paced(url: str, body: bytes, seconds: int, rate: int, headers: Mapping[str, str]) -> Load:
    parts = urlsplit(url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n{lines}"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    took: list[float] = []
    failed = 0

    async def one(due: float) -> None:
        nonlocal failed
        reader, writer = idle.pop() if idle else await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None, head
        await reader.readexactly(int(length[1]))
        took.append((perf_counter() - due) * 1e3)
        failed += not head.startswith(b"HTTP/1.1 2")
        idle.append((reader, writer))

    started = perf_counter()
    async with asyncio.TaskGroup() as running:
        for number in range(seconds * rate):
            due = started + number / rate
            await asyncio.sleep(max(0.0, due - perf_counter()))
            running.create_task(one(due))
    elapsed = perf_counter() - started
    for _, writer in idle:
        writer.close()
    p50, p99 = np.percentile(took, [50, 99])
    return Load(f"asyncio, {rate}/s", len(took), len(took) / elapsed, float(p50), float(p99), failed)


def wait_until_up(url: str, body: bytes, process: subprocess.Popen[bytes], log: Path, seconds: float = 120.0) -> None:
    """Until the route answers 200.

    Raises:
        RuntimeError: it does not in time; the text shows the end of its log.
    """
    import httpx

    deadline = perf_counter() + seconds
    while perf_counter() < deadline and process.poll() is None:
        try:
            answer = httpx.post(url, content=body, headers={"Content-Type": "application/json"}, timeout=10)
        except httpx.TransportError:
            asyncio.run(asyncio.sleep(0.5))
            continue
        if answer.status_code == 200:
            return
        raise RuntimeError(f"{url} answered {answer.status_code}: {answer.text[:500]}")
    raise RuntimeError(f"{url} did not come up: {log.read_text()[-1000:]}")
