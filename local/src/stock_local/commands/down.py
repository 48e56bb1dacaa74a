"""``stock-mlops down``."""

from __future__ import annotations

import time

from stock_kit.settings import get_settings
from stock_mlops.cli.console import console, fail

from stock_local.control import NotRunningError, call
from stock_local.daemon_process import is_running
from stock_local.paths import Layout

_PATIENCE = 90.0


def stop_stack(layout: Layout) -> bool:
    """Ask the supervisor to end and wait until it has; False when it takes too long.

    Raises:
        NotRunningError: there is none.
    """
    call(layout, "shutdown")
    deadline = time.monotonic() + _PATIENCE
    while is_running(layout):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def down() -> None:
    layout = Layout.of(get_settings())
    try:
        with console.status("Stopping"):
            stopped = stop_stack(layout)
    except NotRunningError:
        console.print("The stack does not run.")
        return
    if not stopped:
        fail(f"The supervisor did not end within {_PATIENCE:.0f} s; see {layout.logs / 'supervisor.log'}")
    console.print("Everything is stopped.")
