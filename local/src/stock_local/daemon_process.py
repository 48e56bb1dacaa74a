"""Starting the supervisor's process, and knowing whether there is one."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Mapping

from stock_local.control import NotRunningError, call
from stock_local.paths import Layout
from stock_local.processes import launch_command

_START_PATIENCE = 30.0


def is_running(layout: Layout) -> bool:
    """Whether a supervisor holds the lock of this data folder."""
    try:
        with layout.lock.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def start_daemon(layout: Layout, *, attached: bool, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start the supervisor, with no service yet, and wait until it answers. Attached, it ends with this process.

    Raises:
        RuntimeError: it ended at once; the text is what it wrote.
    """
    layout.make()
    argv = [sys.executable, "-m", "stock_local.daemon"]
    log_path = layout.logs / "supervisor.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own module
            launch_command(argv, None) if attached else argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(os.environ if env is None else env),
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            call(layout, "status")
        except NotRunningError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    raise RuntimeError(f"The supervisor did not start:\n{log_path.read_text(errors='replace').strip()}")
