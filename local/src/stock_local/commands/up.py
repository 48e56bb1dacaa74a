"""``stock-mlops up`` and ``restart``."""

from __future__ import annotations

import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from stock_kit.access import secrets_file
from stock_kit.settings import Settings, get_settings
from stock_mlops.cli.console import console, errors, fail

from stock_local.commands.down import stop_stack
from stock_local.commands.status import page_url, status_table
from stock_local.control import ControlError, NotRunningError, ask, call
from stock_local.daemon_process import is_running, start_daemon
from stock_local.nginx import frontend_dir
from stock_local.paths import Layout


def _on_terminate(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def start_services(layout: Layout, services: list[str] | None, command: str = "start", **arguments: object) -> None:
    """Start services, showing how far it is.

    Raises:
        ControlError: a port is in use, or a service did not start.
    """
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Starting", total=None)
        waiting: list[str] = []
        for message in ask(layout, command, timeout=None, services=services, **arguments):
            if message.get("event") == "starting":
                waiting = list(message["services"])
                progress.update(task, total=len(waiting))
            elif message.get("event") == "ready":
                waiting.remove(message["service"])
                progress.update(task, advance=1, description="Starting " + ", ".join(waiting[:4]))


def up(services: list[str] | None, *, detach: bool, demo: bool) -> None:
    settings = get_settings()
    layout = Layout.of(settings)
    if is_running(layout):
        fail(f"The stack already runs on {layout.data}. See: stock-mlops status")
    signal.signal(signal.SIGTERM, _on_terminate)
    began = time.monotonic()
    try:
        daemon = start_daemon(layout, attached=not detach)
    except RuntimeError as error:
        fail(str(error))
    try:
        if demo:
            _start_demo(settings, layout)
        else:
            start_services(layout, services or None)
        _show(settings, layout, time.monotonic() - began, page=not services or "nginx" in services)
        if not detach:
            _watch(daemon)
    except ControlError as error:
        _stop(layout, daemon)
        fail(str(error))
    except typer.Exit:  # a step of the demo has said why
        _stop(layout, daemon)
        raise
    except KeyboardInterrupt:
        _stop(layout, daemon)


def _start_demo(settings: Settings, layout: Layout) -> None:
    """Start everything, and load the sample while the slower services are still starting."""
    from stock_local.demo import load_sample, run_demo

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load_sample, settings, layout)
        try:
            start_services(layout, None)
            run_demo(settings, loading)
        except BaseException:
            with suppress(ControlError):
                call(layout, "shutdown")  # the load ends when what it talks to does
            raise


def _show(settings: Settings, layout: Layout, seconds: float, *, page: bool) -> None:
    console.print(status_table(call(layout, "status", timeout=60)))
    console.print()
    if not page:
        console.print(f"Up after {seconds:.0f} s.")
        return
    if not (frontend_dir(settings) / "index.html").exists():
        errors.print("The page is not built yet, so only the API answers. Build it with: make frontend", style="yellow")
    console.print(f"Up after {seconds:.0f} s. Open [bold cyan]{page_url(settings)}[/]")
    if settings.access.enabled:
        console.print(f"Log in as {settings.access.admin_name}; the first password is in {secrets_file(settings)}")


def _watch(daemon: subprocess.Popen[bytes]) -> None:
    console.print("Ctrl-C stops everything.", style="dim")
    daemon.wait()
    fail("The supervisor ended. Its log tells why: stock-mlops logs supervisor")


def _stop(layout: Layout, daemon: subprocess.Popen[bytes]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with console.status("Stopping"):
            stop_stack(layout)
    except NotRunningError:
        pass
    daemon.wait()
    console.print("Everything is stopped.")


def restart(service: str) -> None:
    layout = Layout.of(get_settings())
    try:
        start_services(layout, None, "restart", service=service)
    except NotRunningError:
        fail("The stack does not run. Start it with: stock-mlops up")
    except ControlError as error:
        fail(str(error))
    console.print(f"{service} is ready.")
