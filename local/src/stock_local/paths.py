"""Where the local profile keeps its things, all below one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stock_kit.settings import Settings


@dataclass(frozen=True)
class Layout:
    data: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        return cls(settings.path(settings.local.data_dir).resolve())

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def socket(self) -> Path:
        return self.run / "control.sock"

    @property
    def lock(self) -> Path:
        return self.run / "supervisor.lock"

    @property
    def pids(self) -> Path:
        return self.run / "pids.json"

    def make(self) -> None:
        for folder in (self.data, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)
        self.run.chmod(0o700)  # whoever may talk to the control socket may stop everything


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for a socket that fits into the 107 bytes which the system allows, however deep its folder lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
