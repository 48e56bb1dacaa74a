"""The Celery application: workers (``python -m stock_mlops.tasks.worker``), Flower and ``celery inspect`` use it.

It declares no task itself: a worker imports the module of its own queue only, and that module imports what is heavy
inside its task, so that the parent of a worker's processes stays small.
"""

from __future__ import annotations

from typing import Any

from celery import Celery, signals
from stock_kit.logging import configure_logging
from stock_kit.settings import get_settings

from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.queue import celery_config

app = Celery("stock_mlops")
app.conf.update(celery_config(get_settings()))


def _configure_logging(**_: Any) -> None:
    """Connected to ``setup_logging``, which keeps Celery from configuring the log its own way."""
    configure_logging(get_settings().log, service=f"celery_{app.conf.task_default_queue}")


def _forget_connections(**_: Any) -> None:
    """A forked process must not speak on its parent's sockets; it opens its own when it needs them."""
    get_engine.cache_clear()
    get_client.cache_clear()


signals.setup_logging.connect(_configure_logging, weak=False)
signals.worker_process_init.connect(_forget_connections, weak=False)
