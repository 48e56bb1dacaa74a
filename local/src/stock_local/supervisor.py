"""Starts the services in the order of their needs, restarts what dies, and leaves nothing behind.

Everything runs on one event loop. One task per service owns that service's process for its whole life, so that no two
places start or stop it at once; commands set what is wanted and wake the task.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import psutil
from stock_kit.logging import get_logger

from stock_local.probes import NotReadyError
from stock_local.processes import BoundedLog, Child, kill_all
from stock_local.service import Service

log = get_logger(__name__)

_PR_SET_CHILD_SUBREAPER = 36
_PROBE_INTERVAL, _LONGEST_PROBE_INTERVAL = 0.1, 0.5
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 15.0
_STABLE_AFTER = 30.0  # seconds a service must have run for its next crash to count as the first
_STARTS_BEFORE_GIVING_UP = 4  # of a service that was never ready
_REAP_INTERVAL = 5.0


class State(StrEnum):
    STOPPED = "stopped"
    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"  # died; waits before the next start
    STOPPING = "stopping"
    FAILED = "failed"


class StartError(Exception):
    """A service did not become ready; the text names it and shows the end of its log."""


class Runner:
    """One service's life."""

    def __init__(self, service: Service, env: Mapping[str, str], cwd: Path, log_dir: Path) -> None:
        self.service = service
        self.state = State.STOPPED
        self.detail = ""
        self.restarts = 0
        self.changed = asyncio.Condition()
        self.child: Child | None = None
        self._env = {**env, **service.env}
        self._cwd = service.cwd or cwd
        self._log_path = log_dir / f"{service.name}.log"
        self._wanted = asyncio.Event()
        self._stop = asyncio.Event()
        self._needs: list[Runner] = []
        self._task: asyncio.Task[None] | None = None
        self._was_ready = False
        self.ready_after: float | None = None

    def connect(self, runners: Mapping[str, Runner]) -> None:
        self._needs = [runners[name] for name in self.service.needs if name in runners]

    async def _become(self, state: State, detail: str = "") -> None:
        self.state, self.detail = state, detail
        async with self.changed:
            self.changed.notify_all()

    async def wait_for(self, *states: State) -> State:
        async with self.changed:
            await self.changed.wait_for(lambda: self.state in states)
        return self.state

    def start(self) -> None:
        """Want the service to run; returns at once."""
        if self._task is None or self._task.done():
            self._stop = asyncio.Event()
            self.state = State.WAITING
            self._task = asyncio.create_task(self._live(), name=self.service.name)

    async def stop(self) -> None:
        """Want it not to run, and wait until it does not."""
        self._stop.set()
        if self._task is not None:
            await self._task

    async def kill(self, number: int) -> None:
        """Send a signal to the process as an accident would; the service is restarted if that ends it."""
        child = self.child
        if child is None:
            raise ProcessLookupError(f"{self.service.name} does not run")
        child.signal(number)
        if number == signal.SIGKILL:  # whoever asks for the state next must not see the one of the dead process
            async with self.changed:
                await self.changed.wait_for(lambda: self.child is not child)

    async def _live(self) -> None:
        failures = 0
        try:
            await self._until_stopped(self._wait_for_needs())
            while not self._stop.is_set():
                began = time.monotonic()
                reason = await self._run_once()
                if self._stop.is_set():
                    break
                slow = time.monotonic() - began > self.service.start_timeout
                if not self._was_ready and (slow or failures + 1 >= _STARTS_BEFORE_GIVING_UP):
                    await self._become(State.FAILED, reason)
                    return
                failures = 0 if time.monotonic() - began > _STABLE_AFTER else failures + 1
                pause = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** max(0, failures - 1))
                log.warning("service_died", service_name=self.service.name, reason=reason, restart_in=pause)
                await self._become(State.RESTARTING, reason)
                await self._until_stopped(asyncio.sleep(pause))
                self.restarts += 1
            await self._become(State.STOPPED)
        except Exception as error:
            log.exception("service_failed", service_name=self.service.name)
            await self._become(State.FAILED, str(error) or type(error).__name__)

    async def _until_stopped(self, work: Coroutine[None, None, None]) -> None:
        """Run ``work``, but no longer than the service is wanted."""
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            for pending in (task, stop):
                pending.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    async def _wait_for_needs(self) -> None:
        for need in self._needs:
            await need.wait_for(State.READY)

    async def _run_once(self) -> str:
        """Start the process, see it through; returns why it ended."""
        await self._become(State.STARTING)
        began = time.monotonic()
        if self.service.prepare is not None:
            await asyncio.to_thread(self.service.prepare)
        if self._stop.is_set():
            return ""
        output = BoundedLog(self._log_path)
        self.child = await Child.start(self.service, self._env, self._cwd, output)
        exited = asyncio.create_task(self.child.exited())
        stop = asyncio.create_task(self._stop.wait())
        ready = asyncio.create_task(self._become_ready(began))
        try:
            await asyncio.wait({exited, stop, ready}, return_when=asyncio.FIRST_COMPLETED)
            reason = ""
            if ready.done() and (error := ready.exception()) is not None:
                reason = str(error)
            elif ready.done():
                await asyncio.wait({exited, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                if self._stop.is_set():
                    await self._become(State.STOPPING)
                asked = time.monotonic()
                await self.child.stop(self.service.stop_signal, self.service.stop_grace)
                seconds = round(time.monotonic() - asked, 1)
                log.info("service_stopped", service_name=self.service.name, seconds=seconds)
            return reason or _describe_exit(await self.child.exited())
        finally:
            for task in (stop, ready, exited):
                task.cancel()
            await asyncio.gather(stop, ready, exited, return_exceptions=True)
            self.child = None
            output.close()
            if self.service.clean_up is not None:
                await asyncio.to_thread(self.service.clean_up)

    async def _become_ready(self, began: float) -> None:
        deadline = began + self.service.start_timeout
        reason = "it was not asked yet"
        pause = _PROBE_INTERVAL
        while time.monotonic() < deadline:
            try:
                await self.service.ready()
                if self.service.provision is not None:
                    await self.service.provision()
            except NotReadyError as error:
                reason = str(error)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PROBE_INTERVAL, pause * 1.3)
                continue
            self._was_ready = True
            self.ready_after = time.monotonic() - began
            log.info("service_ready", service_name=self.service.name, seconds=round(self.ready_after, 1))
            await self._become(State.READY)
            return
        raise NotReadyError(f"not ready after {self.service.start_timeout:.0f} s: {reason}")

    def log_tail(self, lines: int = 15) -> str:
        if not self._log_path.exists():
            return ""
        text = self._log_path.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def _describe_exit(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exited with {code}"


def adopt_orphans() -> None:
    """Become the parent of whatever a service leaves behind, so that it can be found and ended."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


class Supervisor:
    """The services of one stack."""

    def __init__(self, services: Sequence[Service], env: Mapping[str, str], cwd: Path, log_dir: Path) -> None:
        self.runners = {service.name: Runner(service, env, cwd, log_dir) for service in services}
        for runner in self.runners.values():
            runner.connect(self.runners)
        self._reaper: asyncio.Task[None] | None = None

    def closure(self, names: Iterable[str]) -> list[str]:
        """The named services and everything that they need, in the order of the catalogue.

        Raises:
            KeyError: there is no service of that name.
        """
        wanted: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in self.runners:
                raise KeyError(f"no service is called {name!r}; there are {', '.join(self.runners)}")
            if name not in wanted:
                wanted.add(name)
                service = self.runners[name].service
                pending += [*service.needs, *service.uses]
        return [name for name in self.runners if name in wanted]

    async def start(self, names: Iterable[str] | None = None) -> AsyncIterator[Runner]:
        """Start services with their needs, as parallel as these allow; yields each one when it is ready.

        Raises:
            StartError: one of them failed. The others keep running: the caller decides.
        """
        runners = [self.runners[name] for name in (self.runners if names is None else self.closure(names))]
        if self._reaper is None:
            adopt_orphans()
            self._reaper = asyncio.create_task(self._reap())
        for runner in runners:
            runner.start()
        waits = {asyncio.create_task(_settled(runner)) for runner in runners}
        try:
            for settled in asyncio.as_completed(waits):
                yield await settled
        finally:
            for wait in waits:
                wait.cancel()

    async def stop(self) -> None:
        """Stop everything, dependents before what they need, and kill whatever is left."""
        stopping = {name: asyncio.create_task(self._stop_after_dependents(name)) for name in self.runners}
        await asyncio.gather(*stopping.values())
        if self._reaper is not None:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
            self._reaper = None
        leftovers = psutil.Process().children(recursive=True)
        if leftovers:
            log.warning("leftovers_killed", pids=[process.pid for process in leftovers])
            kill_all(leftovers)
        self._collect_zombies(everyone=True)

    async def _stop_after_dependents(self, name: str) -> None:
        runner = self.runners[name]
        for other in self.runners.values():
            if name in other.service.needs:
                await other.wait_for(State.STOPPED, State.FAILED)
        await runner.stop()
        runner.state = State.STOPPED
        async with runner.changed:
            runner.changed.notify_all()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(_REAP_INTERVAL)
            self._collect_zombies()

    def _collect_zombies(self, *, everyone: bool = False) -> None:
        """Wait for adopted orphans that have ended; our own children are waited for elsewhere."""
        ours = {runner.child.pid for runner in self.runners.values() if runner.child is not None}
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.Error, ChildProcessError):
                if process.pid not in ours and (everyone or process.status() == psutil.STATUS_ZOMBIE):
                    os.waitpid(process.pid, 0 if everyone else os.WNOHANG)


async def _settled(runner: Runner) -> Runner:
    if await runner.wait_for(State.READY, State.FAILED, State.STOPPED) is State.READY:
        return runner
    text = f"{runner.service.name} did not start: {runner.detail or 'it was stopped'}"
    if tail := runner.log_tail():
        text += f"\n--- the end of its log ---\n{tail}"
    raise StartError(text)
