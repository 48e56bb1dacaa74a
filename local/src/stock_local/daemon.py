"""``python -m stock_local.daemon``: the supervisor's process. The command line starts it and talks to its socket."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import psutil
from stock_kit.logging import configure_logging, get_logger
from stock_kit.settings import get_settings

from stock_local.catalog import child_environment, services
from stock_local.control import ControlError, Emit, Json, serve_control
from stock_local.paths import Layout
from stock_local.ports import ports_in_use
from stock_local.probes import NotReadyError
from stock_local.processes import kill_all, memory_by_session, session_members
from stock_local.service import Service
from stock_local.supervisor import Runner, StartError, State, Supervisor

log = get_logger(__name__)

_PROBE_TIMEOUT = 3.0
_LEFTOVER_GRACE = 15.0


class Daemon:
    """Answers the commands on the supervisor."""

    def __init__(self, supervisor: Supervisor, layout: Layout) -> None:
        self._supervisor = supervisor
        self._layout = layout
        self.stopping = asyncio.Event()
        self.handlers = {
            "status": self._status,
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "kill": self._kill,
            "shutdown": self._shutdown,
        }

    def _runner(self, request: Json) -> Runner:
        return self._supervisor.runners[self._supervisor.closure([str(request["service"])])[-1]]

    async def _start(self, request: Json, emit: Emit) -> list[str]:
        """Start the named services with their needs, or all; one event each as they become ready."""
        names = request.get("services")
        chosen = list(self._supervisor.runners) if names is None else self._supervisor.closure(names)
        runners = [self._supervisor.runners[name] for name in chosen]
        idle = [runner.service for runner in runners if runner.state in (State.STOPPED, State.FAILED)]
        if problems := await asyncio.to_thread(ports_in_use, idle):
            raise ControlError("These ports are in use:\n" + "\n".join(f"  {line}" for line in problems))
        await emit({"event": "starting", "services": chosen})
        try:
            async for runner in self._supervisor.start(chosen):
                self._record_pids()
                await emit({"event": "ready", "service": runner.service.name, "seconds": runner.ready_after})
        except StartError as error:
            raise ControlError(str(error)) from error
        return chosen

    async def _stop(self, request: Json, _emit: Emit) -> None:
        await self._runner(request).stop()

    async def _restart(self, request: Json, emit: Emit) -> list[str]:
        await self._stop(request, emit)
        return await self._start({"services": [request["service"]]}, emit)

    async def _kill(self, request: Json, _emit: Emit) -> None:
        await self._runner(request).kill(int(request.get("signal", signal.SIGKILL)))

    async def _shutdown(self, _request: Json, _emit: Emit) -> None:
        self.stopping.set()

    async def _status(self, _request: Json, _emit: Emit) -> Json:
        memory = await asyncio.to_thread(memory_by_session)
        rows = await asyncio.gather(*(self._row(runner, memory) for runner in self._supervisor.runners.values()))
        return {"pid": os.getpid(), "memory": memory.get(os.getsid(0), 0), "services": rows}

    async def _row(self, runner: Runner, memory: Mapping[int, int]) -> Json:
        child = runner.child
        row: Json = {
            "name": runner.service.name,
            "address": runner.service.address,
            "state": runner.state,
            "detail": runner.detail,
            "restarts": runner.restarts,
            "pid": child.pid if child else None,
            "memory": memory.get(child.pid, 0) if child else 0,
            "start_seconds": runner.ready_after,
        }
        if runner.state is State.READY and (problem := await _problem(runner.service)):
            row |= {"state": "unhealthy", "detail": problem}
        return row

    def _record_pids(self) -> None:
        """Remember what runs, for the next start after a death of this process that nobody could react to."""
        alive = {}
        for name, runner in self._supervisor.runners.items():
            if runner.child is not None:
                with contextlib.suppress(psutil.Error):
                    alive[name] = [runner.child.pid, psutil.Process(runner.child.pid).create_time()]
        self._layout.pids.write_text(json.dumps(alive))


async def _problem(service: Service) -> str:
    try:
        await asyncio.wait_for(service.ready(), _PROBE_TIMEOUT)
    except TimeoutError:
        return f"does not answer within {_PROBE_TIMEOUT:.0f} s"
    except NotReadyError as error:
        return str(error)
    return ""


def _leftover(pid: int, created: float) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if abs(process.create_time() - created) < 1 else None
    except psutil.Error:
        return None


def end_leftovers(layout: Layout) -> None:
    """End the services of a supervisor that was killed and could not end them itself."""
    if not layout.pids.exists():
        return
    recorded: dict[str, Any] = json.loads(layout.pids.read_text() or "{}")
    found = [process for pid, created in recorded.values() if (process := _leftover(pid, created))]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + _LEFTOVER_GRACE
    _, alive = psutil.wait_procs(found, timeout=max(0.0, deadline - time.monotonic()))
    kill_all(alive)
    for process in found:
        kill_all(session_members(process.pid))
    layout.pids.unlink(missing_ok=True)


async def _serve(layout: Layout) -> None:
    settings = get_settings()
    found = services(settings)
    env = child_environment(settings, [service.name for service in found])
    supervisor = Supervisor(found, env, settings.path("."), layout.logs)
    daemon = Daemon(supervisor, layout)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, daemon.stopping.set)
    async with serve_control(layout, daemon.handlers):
        log.info("supervisor_ready", data_dir=str(layout.data))
        await daemon.stopping.wait()
        log.info("supervisor_stopping")
        await supervisor.stop()
    layout.pids.unlink(missing_ok=True)
    log.info("supervisor_stopped")


def main() -> None:
    settings = get_settings()
    configure_logging(settings.log, "supervisor")
    layout = Layout.of(settings)
    layout.make()
    lock = os.open(layout.lock, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another supervisor runs on {layout.data}")
    end_leftovers(layout)
    asyncio.run(_serve(layout))
    # The lock is not given back: it goes with the process, and who waits for it waits for that.


if __name__ == "__main__":
    main()
