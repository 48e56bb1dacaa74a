"""The supervisor over tiny programs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from stock_local import supervisor as supervisor_module
from stock_local.probes import NotReadyError, Probe, tcp
from stock_local.processes import BoundedLog, session_members
from stock_local.service import Service
from stock_local.supervisor import StartError, State, Supervisor

pytestmark = pytest.mark.anyio

SLEEP = "import time; time.sleep(60)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-u", "-c", textwrap.dedent(code))


def file_exists(path: Path) -> Probe:
    async def probe() -> None:
        if not path.exists():
            raise NotReadyError(f"{path.name} is not there")

    return probe


async def at_once() -> None:
    """Ready as soon as it is started."""


def service(name: str, code: str = SLEEP, *, ready: Probe = at_once, **options: object) -> Service:
    return Service(name=name, argv=python(code), ready=ready, **options)  # type: ignore[arg-type]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port that nobody listens on."""

    def take() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        return port

    return take


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "_FIRST_BACKOFF", 0.02)
    monkeypatch.setattr(supervisor_module, "_PROBE_INTERVAL", 0.02)
    monkeypatch.setattr(supervisor_module, "_LONGEST_PROBE_INTERVAL", 0.05)


@asynccontextmanager
async def running(tmp_path: Path, services: Sequence[Service]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(services, dict(os.environ), tmp_path, tmp_path / "logs")
    try:
        yield supervisor
    finally:
        await supervisor.stop()


async def start(supervisor: Supervisor, names: Sequence[str] | None = None) -> list[str]:
    return [runner.service.name async for runner in supervisor.start(names)]


async def eventually(fact: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_service_starts_only_when_what_it_needs_is_ready(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    slow = service("slow", f"import time, pathlib; time.sleep(.3); pathlib.Path({str(mark)!r}).touch(); time.sleep(60)")
    slow = Service(name="slow", argv=slow.argv, ready=file_exists(mark))
    dependent = service("dependent", f"import os, sys; print(os.path.exists({str(mark)!r})); {SLEEP}", needs=("slow",))
    async with running(tmp_path, [dependent, slow]) as supervisor:
        assert await start(supervisor) == ["slow", "dependent"]
        log = tmp_path / "logs" / "dependent.log"
        await eventually(lambda: log.read_text() == "True\n")


async def test_services_that_do_not_need_each_other_start_together(tmp_path: Path) -> None:
    marks = [tmp_path / name for name in ("a", "b")]
    code = """
        import pathlib, time
        pathlib.Path({own!r}).touch()
        while not pathlib.Path({other!r}).exists():
            time.sleep(.01)
        pathlib.Path({own!r} + ".met").touch()
        time.sleep(60)
    """
    services = [
        service("a", code.format(own=str(marks[0]), other=str(marks[1])), ready=file_exists(tmp_path / "a.met")),
        service("b", code.format(own=str(marks[1]), other=str(marks[0])), ready=file_exists(tmp_path / "b.met")),
    ]
    async with running(tmp_path, services) as supervisor:
        assert set(await start(supervisor)) == {"a", "b"}


async def test_only_the_named_services_and_their_needs_are_started(tmp_path: Path) -> None:
    services = [service("store"), service("web", needs=("store",)), service("other")]
    async with running(tmp_path, services) as supervisor:
        assert await start(supervisor, ["web"]) == ["store", "web"]
        assert supervisor.runners["other"].state is State.STOPPED


async def test_an_unknown_service_is_named_together_with_those_that_exist(tmp_path: Path) -> None:
    async with running(tmp_path, [service("store")]) as supervisor:
        with pytest.raises(KeyError, match=r"no service is called 'stroe'; there are store"):
            supervisor.closure(["stroe"])


async def test_a_service_that_dies_is_started_again_and_counted(tmp_path: Path) -> None:
    async with running(tmp_path, [service("store")]) as supervisor:
        await start(supervisor)
        runner = supervisor.runners["store"]
        assert runner.child is not None
        first = runner.child.pid
        await runner.kill(signal.SIGKILL)
        await eventually(lambda: runner.restarts == 1 and runner.state is State.READY)
        assert runner.child.pid != first


async def test_a_service_that_never_becomes_ready_is_given_up_with_its_log(tmp_path: Path) -> None:
    broken = service("broken", "print('no such table: prices'); raise SystemExit(3)", ready=tcp("127.0.0.1", 1))
    async with running(tmp_path, [broken]) as supervisor:
        with pytest.raises(StartError, match=r"broken did not start: exited with 3(?s:.*)no such table: prices"):
            await start(supervisor)
        assert supervisor.runners["broken"].restarts == 3


async def test_a_service_that_hangs_is_given_up_after_its_start_timeout(tmp_path: Path) -> None:
    hanging = service("hanging", ready=tcp("127.0.0.1", 1), start_timeout=0.3)
    async with running(tmp_path, [hanging]) as supervisor:
        with pytest.raises(StartError, match=r"not ready after 0 s: nothing answers on 127\.0\.0\.1:1"):
            await start(supervisor)
        assert supervisor.runners["hanging"].child is None


async def test_a_start_that_cannot_be_prepared_says_why(tmp_path: Path) -> None:
    def prepare() -> None:
        raise RuntimeError("initdb failed")

    async with running(tmp_path, [service("store", prepare=prepare)]) as supervisor:
        with pytest.raises(StartError, match="store did not start: initdb failed"):
            await start(supervisor)


async def test_provisioning_is_part_of_becoming_ready(tmp_path: Path) -> None:
    asked = 0

    async def provision() -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise NotReadyError("no leader yet")

    async with running(tmp_path, [service("s3", provision=provision)]) as supervisor:
        assert await start(supervisor) == ["s3"]
    assert asked == 3


async def test_a_stopped_service_stays_stopped_until_it_is_started_again(tmp_path: Path) -> None:
    async with running(tmp_path, [service("store")]) as supervisor:
        await start(supervisor)
        runner = supervisor.runners["store"]
        await runner.stop()
        await asyncio.sleep(0.1)
        assert (runner.state, runner.child, runner.restarts) == (State.STOPPED, None, 0)
        assert await start(supervisor, ["store"]) == ["store"]


async def test_a_service_that_ignores_the_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    mark = tmp_path / "deaf"
    deaf = f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(mark)!r}).touch()
        time.sleep(60)
    """
    stubborn = service("stubborn", deaf, ready=file_exists(mark), stop_grace=0.2)
    async with running(tmp_path, [stubborn]) as supervisor:
        await start(supervisor)
        child = supervisor.runners["stubborn"].child
        assert child is not None
        await asyncio.wait_for(supervisor.runners["stubborn"].stop(), 5)
        assert not alive(child.pid)


async def test_dependents_are_stopped_before_what_they_need(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = """
        import signal, sys, time
        def end(*_):
            time.sleep({pause})
            open({order!r}, "a").write({name!r} + " ")
            sys.exit()
        signal.signal(signal.SIGTERM, end)
        open({mark!r}, "w")
        time.sleep(60)
    """

    def one(name: str, pause: float, *needs: str) -> Service:
        mark = tmp_path / f"{name}.up"
        text = code.format(pause=pause, order=str(order), name=name, mark=str(mark))
        return service(name, text, ready=file_exists(mark), needs=needs)

    async with running(tmp_path, [one("store", 0), one("web", 0.2, "store"), one("page", 0.1, "web")]) as supervisor:
        await start(supervisor)
    assert order.read_text().split() == ["page", "web", "store"]


async def test_what_a_service_started_goes_with_it_even_when_it_was_orphaned(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = f"""
        import os, subprocess, sys, time
        near = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        far = subprocess.Popen(
            [sys.executable, "-c", "import os, time; os.fork() and os._exit(0); time.sleep(60)"], start_new_session=True
        )
        far.wait()
        open({str(pids)!r} + ".part", "w").write(str(near.pid))
        os.rename({str(pids)!r} + ".part", {str(pids)!r})
        time.sleep(60)
    """
    async with running(tmp_path, [service("parent", code, ready=file_exists(pids))]) as supervisor:
        before = set(psutil.Process().children())
        await start(supervisor)
        await eventually(lambda: len(set(psutil.Process().children()) - before) == 2)
        orphans = set(psutil.Process().children()) - before
    assert not alive(int(pids.read_text()))
    assert not any(alive(orphan.pid) for orphan in orphans)


async def test_a_crash_takes_what_the_service_had_started_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"""
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(pid_file)!r} + ".part", "w").write(str(child.pid))
        os.rename({str(pid_file)!r} + ".part", {str(pid_file)!r})
        time.sleep(60)
    """
    async with running(tmp_path, [service("parent", code, ready=file_exists(pid_file))]) as supervisor:
        await start(supervisor)
        helper = int(pid_file.read_text())
        await supervisor.runners["parent"].kill(signal.SIGKILL)
        await eventually(lambda: not alive(helper))


def test_services_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "supervise.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import asyncio, os, pathlib, sys
            from stock_local.service import Service
            from stock_local.supervisor import Supervisor

            async def ready(): ...

            async def main():
                service = Service(name="store", argv=(sys.executable, "-c", {SLEEP!r}), ready=ready)
                supervisor = Supervisor([service], dict(os.environ), pathlib.Path("."), pathlib.Path({str(tmp_path)!r}))
                async for runner in supervisor.start():
                    print("pid", runner.child.pid, flush=True)
                await asyncio.sleep(60)

            asyncio.run(main())
            """
        )
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = next(int(line.split()[1]) for line in process.stdout if line.startswith("pid"))
        assert alive(pid)
        process.kill()
    deadline = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_a_nice_service_gives_way_with_its_whole_session(tmp_path: Path) -> None:
    mark = tmp_path / "up"
    code = f"import pathlib, time; pathlib.Path({str(mark)!r}).touch(); time.sleep(60)"
    async with running(tmp_path, [service("nice", code, ready=file_exists(mark), niceness=4)]) as supervisor:
        await start(supervisor)
        child = supervisor.runners["nice"].child
        assert child is not None
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 4)
        session = Path(f"/proc/{child.pid}/autogroup")
        if session.exists():
            assert session.read_text().split()[-1] == "4"


async def test_output_is_kept_in_a_file(tmp_path: Path) -> None:
    async with running(tmp_path, [service("chatty", f"print('one'); print('two'); {SLEEP}")]) as supervisor:
        await start(supervisor)
        await eventually(lambda: (tmp_path / "logs/chatty.log").read_text() == "one\ntwo\n")


def test_a_log_is_bounded_and_keeps_what_was_written_last(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "x.log", limit=100)
    for number in range(100):
        log.write(b"line %03d\n" % number)
    log.close()
    kept = (tmp_path / "x.log.1").read_text() + (tmp_path / "x.log").read_text()
    assert kept.endswith("line 098\nline 099\n")
    assert len(kept) < 2 * 100 + len("line 000\n")


def test_the_members_of_a_session_are_the_service_and_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(session_members(process.pid)) == 2
        process.communicate(b"\n")
