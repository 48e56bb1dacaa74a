"""The Celery application: workers (``python -m stock_mlops.tasks.worker``), Flower and ``celery inspect`` use it.

It declares no task itself: a worker imports the module of its own queue only, and that module imports what is heavy
inside its task, so that the parent of a worker's processes stays small.
"""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import Any

from celery import Celery, signals
from stock_kit.logging import configure_logging
from stock_kit.settings import get_settings

from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.queue import celery_config

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h

app = Celery("stock_mlops")
app.conf.update(celery_config(get_settings()))


def _configure_logging(**_: Any) -> None:
    """Connected to ``setup_logging``, which keeps Celery from configuring the log its own way."""
    configure_logging(get_settings().log, service=f"celery_{app.conf.task_default_queue}")


def _die_with_parent(**_: Any) -> None:
    """Let the kernel end a forked process whose parent was killed; else it would train on, out of anybody's control.

    Its job comes back by its lease.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _forget_connections(**_: Any) -> None:
    """A forked process must not speak on its parent's sockets; it opens its own when it needs them."""
    get_engine.cache_clear()
    get_client.cache_clear()


signals.setup_logging.connect(_configure_logging, weak=False)
signals.worker_process_init.connect(_die_with_parent, weak=False)
signals.worker_process_init.connect(_forget_connections, weak=False)
