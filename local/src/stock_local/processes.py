"""One running program: started so that it dies with the supervisor, its output kept in a bounded file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_LAUNCHER = Path(__file__).with_name("launch.py")
_CHUNK = 1 << 16
_LOG_LIMIT = 8 << 20  # bytes of a log file before it becomes the ".1" file


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The user for servers that refuse to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def launch_command(argv: Sequence[str], account: Account | None) -> list[str]:
    """``argv`` behind the launcher, watched by this process."""
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    return [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(uid), str(gid), *argv]


class BoundedLog:
    """A log file and its predecessor; together they never grow much beyond twice the limit."""

    def __init__(self, path: Path, limit: int = _LOG_LIMIT) -> None:
        self.path = path
        self._limit = limit
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._size = path.stat().st_size

    def write(self, data: bytes) -> None:
        if self._size >= self._limit:
            self._file.close()
            self.path.replace(self.path.with_suffix(self.path.suffix + ".1"))
            self._file = self.path.open("ab", buffering=0)
            self._size = 0
        self._file.write(data)
        self._size += len(data)

    def close(self) -> None:
        self._file.close()


def session_members(session: int) -> list[psutil.Process]:
    """The processes of a session. Each service leads one, so these are the service and whatever it started."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getsid(process.pid) == session:
                members.append(process)
    return members


def kill_all(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


class Child:
    """A started program, leader of a session of its own."""

    def __init__(self, process: asyncio.subprocess.Process, log: BoundedLog) -> None:
        self._process = process
        self._log = log
        self._pump = asyncio.create_task(self._copy_output())
        self._exited = asyncio.create_task(self._wait())

    @classmethod
    async def start(
        cls, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: BoundedLog, account: Account | None
    ) -> Child:
        process = await asyncio.create_subprocess_exec(
            *launch_command(argv, account),
            env=dict(env),
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    async def _copy_output(self) -> None:
        output = self._process.stdout
        if output is None:
            raise RuntimeError("a child is started with its output in a pipe")
        while chunk := await output.read(_CHUNK):
            self._log.write(chunk)

    async def _wait(self) -> int:
        code = await self._process.wait()
        # What the program started may hold the pipe open, and must not outlive it.
        await asyncio.to_thread(lambda: kill_all(session_members(self.pid)))
        await self._pump
        return code

    async def exited(self) -> int:
        """Wait for the program's end and its session's; the exit code (negative: killed by that signal)."""
        return await asyncio.shield(self._exited)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self, number: int, grace: float) -> int:
        """Ask the program to end; after ``grace`` seconds its whole session is killed."""
        self.signal(number)
        try:
            return await asyncio.wait_for(self.exited(), grace)
        except TimeoutError:
            await asyncio.to_thread(lambda: kill_all(session_members(self.pid)))
            self.signal(signal.SIGKILL)
            return await self.exited()
