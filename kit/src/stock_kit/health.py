"""Is this process ready? Checks of its dependencies, each within a time limit, all at once.

A check is a plain function that returns when the dependency answers and raises when it does not. ``/health`` (alive)
needs none of this: a process that can answer is alive. ``/ready`` reports what :class:`Readiness` found.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

Check = Callable[[], object]


@dataclass(frozen=True, slots=True)
class CheckResult:
    ok: bool
    seconds: float
    error: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {"ok": self.ok, "seconds": round(self.seconds, 4), "error": self.error}


@dataclass(frozen=True, slots=True)
class Report:
    checks: Mapping[str, CheckResult]

    @property
    def ok(self) -> bool:
        return all(result.ok for result in self.checks.values())

    @property
    def status(self) -> int:
        """The HTTP status that tells a load balancer the same."""
        return 200 if self.ok else 503

    def to_dict(self) -> dict[str, object]:
        return {
            "status": "ready" if self.ok else "not ready",
            "checks": {name: result.to_dict() for name, result in self.checks.items()},
        }


def describe(error: BaseException) -> str:
    """One short line: a driver's message may hold a whole HTML page or a stack."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


class Readiness:
    """Runs named checks concurrently and remembers the report for a moment, so that probes do not become a load.

    A check that hangs occupies its one thread and nothing else: until it returns it is reported as failing and is not
    started again.
    """

    def __init__(self, checks: Mapping[str, Check], *, timeout: float = 2.0, cache_seconds: float = 1.0) -> None:
        self._checks = dict(checks)
        self._timeout = timeout
        self._cache_seconds = cache_seconds
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self._checks)), thread_name_prefix="readiness")
        self._running: dict[str, Future[CheckResult]] = {}
        self._lock = threading.Lock()
        self._report: Report | None = None
        self._report_at = 0.0

    def report(self) -> Report:
        """The report, at most ``cache_seconds`` old; blocks for at most ``timeout`` seconds."""
        with self._lock:
            if self._report is None or time.monotonic() - self._report_at >= self._cache_seconds:
                self._report = self._run()
                self._report_at = time.monotonic()
            return self._report

    async def report_async(self) -> Report:
        """The same without blocking the event loop."""
        return await asyncio.to_thread(self.report)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> Report:
        for name, check in self._checks.items():
            running = self._running.get(name)
            if running is None or running.done():
                self._running[name] = self._pool.submit(_timed, check)
        wait(self._running.values(), timeout=self._timeout)
        return Report({name: self._result(future) for name, future in self._running.items()})

    def _result(self, future: Future[CheckResult]) -> CheckResult:
        if future.done():
            return future.result()
        return CheckResult(False, self._timeout, f"no answer within {self._timeout:g} s")


def _timed(check: Check) -> CheckResult:
    started = time.perf_counter()
    try:
        check()
    except Exception as error:  # noqa: BLE001  whatever a driver raises means "does not answer"
        return CheckResult(False, time.perf_counter() - started, describe(error))
    return CheckResult(True, time.perf_counter() - started)
