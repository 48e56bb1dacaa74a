"""``stock-mlops logs``."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

import typer
from stock_kit.settings import get_settings
from stock_mlops.cli.console import console, fail

from stock_local.paths import Layout

_POLL = 0.3


def _tail(path: Path, lines: int) -> list[str]:
    with path.open(errors="replace") as file:
        return list(deque(file, maxlen=lines)) if lines else []


def _print(name: str, lines: list[str], *, several: bool) -> None:
    for line in lines:
        prefix = f"{name:<18} " if several else ""
        typer.echo(prefix + line.rstrip("\n"))


class _Follower:
    """Reads what is appended to a log, across its rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("rb")
        self._file.seek(0, 2)
        self._rest = b""

    def new_lines(self) -> list[str]:
        data = self._rest + self._file.read()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino != self._inode():
                self._file.close()
                self._file = self._path.open("rb")
                data += self._file.read()
        *whole, self._rest = data.split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    def _inode(self) -> int:
        import os

        return os.fstat(self._file.fileno()).st_ino


def logs(service: str | None, *, follow: bool, lines: int) -> None:
    folder = Layout.of(get_settings()).logs
    paths = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if not paths:
        fail(f"There are no logs in {folder}. Start the stack with: stock-mlops up")
    if service is not None and service not in paths:
        fail(f"There is no log of {service!r}. There are: {', '.join(paths)}")
    chosen = {service: paths[service]} if service is not None else paths
    several = len(chosen) > 1
    followers = {name: _Follower(path) for name, path in chosen.items()} if follow else {}
    for name, path in chosen.items():
        _print(name, _tail(path, lines), several=several)
    with contextlib.suppress(KeyboardInterrupt):
        while followers:
            for name, follower in followers.items():
                _print(name, follower.new_lines(), several=several)
            time.sleep(_POLL)
    if follow:
        console.print()
