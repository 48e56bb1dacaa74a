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
from typing import Protocol

import psutil

_LAUNCHER = Path(__file__).with_name("launch.py")
_CHUNK = 1 << 16
_LAST_WORDS = 2.0  # seconds to read what an ended program has written
_LOG_LIMIT = 8 << 20  # bytes of a log file before it becomes the ".1" file


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


class Program(Protocol):
    """What to run, and as whom."""

    @property
    def argv(self) -> Sequence[str]: ...
    @property
    def account(self) -> Account | None: ...
    @property
    def niceness(self) -> int: ...


def unprivileged_account() -> Account | None:
    """The user for servers that refuse to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def launch_command(argv: Sequence[str], account: Account | None, niceness: int = 0) -> list[str]:
    """``argv`` behind the launcher, watched by this process."""
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER)]
    return [*launcher, str(os.getpid()), str(uid), str(gid), str(niceness), *argv]


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


def memory_by_session() -> dict[int, int]:
    """Bytes of memory of every session we may look at, pages shared with others counted by their share (PSS)."""
    total: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            session = os.getsid(int(folder.name))
            for line in (folder / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total[session] = total.get(session, 0) + int(line.split()[1]) * 1024
    return total


def kill_all(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


async def _copy(output: int, log: BoundedLog) -> None:
    """Copy what comes out of a pipe into a log, until the last writer has closed it."""
    reader = asyncio.StreamReader()
    file = os.fdopen(output, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), file
    )
    try:
        while chunk := await reader.read(_CHUNK):
            log.write(chunk)
    finally:
        transport.close()


class Child:
    """A started program, leader of a session of its own."""

    def __init__(self, process: asyncio.subprocess.Process, output: int, log: BoundedLog) -> None:
        self._process = process
        self._copied = asyncio.create_task(_copy(output, log))
        self._exited = asyncio.create_task(self._wait())

    @classmethod
    async def start(cls, program: Program, env: Mapping[str, str], cwd: Path, log: BoundedLog) -> Child:
        # A pipe of our own: with asyncio's, a dead program counts as running while a child of it holds the pipe.
        output, theirs = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *launch_command(program.argv, program.account, program.niceness),
                env=dict(env),
                cwd=cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        except OSError:
            os.close(output)
            raise
        finally:
            os.close(theirs)
        return cls(process, output, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _wait(self) -> int:
        code = await self._process.wait()
        await asyncio.to_thread(lambda: kill_all(session_members(self.pid)))
        with contextlib.suppress(TimeoutError):  # somebody who left the session still holds the pipe
            await asyncio.wait_for(self._copied, _LAST_WORDS)
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
