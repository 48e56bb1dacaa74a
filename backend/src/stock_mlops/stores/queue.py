"""The broker, seen from the side that sends: a message is only a hint that a row of ``jobs`` waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import UUID

from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.stores.jobs import JobKind, JobRef

log = get_logger(__name__)

# Which Celery task runs a kind of job, and which queue it waits in. Kinds that are not here are not carried by Celery.
TASKS: dict[JobKind, tuple[str, str]] = {
    JobKind.TRAIN: ("stock.train", "train"),
    JobKind.PREDICT_FUTURE: ("stock.predict_future", "predict"),
    # It waits for a process of its own, which would hold up trainings for an hour.
    JobKind.SIMULATE: ("stock.simulate", "predict"),
}
QUEUES: dict[str, tuple[JobKind, ...]] = {
    queue: tuple(kind for kind, (_, own) in TASKS.items() if own == queue) for _, queue in TASKS.values()
}
"""What waits in each queue."""


# A broker that is there answers in milliseconds; one that does not in so long counts as down.
_SEND_SECONDS = 2
# So long answers of workers are waited for.
_PING_SECONDS = 0.5


def celery_config(settings: Settings) -> dict[str, Any]:
    """Options shared by the processes that send and the workers.

    Messages are acknowledged when they are taken, not when the work is done: what was lost with a worker is found by
    its lease within seconds, where Redis would keep it back for the visibility timeout of an hour.
    """
    return {
        "broker_url": settings.redis.url(settings.redis.broker_db),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # for ever
        "broker_transport_options": {
            "socket_connect_timeout": _SEND_SECONDS,
            "socket_keepalive": True,
            "retry_on_timeout": True,
            "health_check_interval": 10,
        },
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_default_queue": "train",
        "task_create_missing_queues": True,
        "task_send_sent_event": True,
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "timezone": "UTC",
    }


class JobQueue(Protocol):
    """Carries jobs to workers."""

    def send(self, job: JobRef) -> bool:
        """Hand the job to a worker soon; False when the broker does not answer (the reaper sends it again)."""
        ...


class CeleryQueue:
    """The real queue: Celery over Redis. It never raises for a broker that is down, and does not wait for it either."""

    def __init__(self, settings: Settings) -> None:
        from celery import Celery

        self._app = Celery("stock_mlops_sender", set_as_current=False)
        self._app.conf.update(celery_config(settings))
        # A worker waits for its broker as long as it takes; a request that sends a message must not.
        self._app.conf.broker_transport_options |= {
            "socket_timeout": _SEND_SECONDS,
            "connect_retries_timeout": _SEND_SECONDS,
            "retry_on_timeout": False,
            "max_retries": 1,
            "interval_start": 0,
        }

    def send(self, job: JobRef) -> bool:
        from kombu.exceptions import OperationalError

        task, queue = TASKS[job.kind]
        try:
            self._app.send_task(task, args=[str(job.id)], queue=queue, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("job_not_sent", job_id=str(job.id), kind=job.kind, error=str(error))
            return False
        return True

    def lengths(self) -> dict[str, int]:
        """Messages that wait in each queue.

        Raises:
            DependencyUnavailableError: the broker does not answer.
        """
        with self._asked() as connection:
            client = connection.default_channel.client
            return {queue: int(client.llen(queue)) for queue in QUEUES}

    def workers(self) -> list[str]:
        """Names (``train@host``) of the workers that answer at once.

        Raises:
            DependencyUnavailableError: the broker does not answer.
        """
        with self._asked() as connection:
            answers = self._app.control.ping(timeout=_PING_SECONDS, connection=connection) or []
        return sorted(name for answer in answers for name in answer)

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        from kombu.exceptions import OperationalError
        from redis.exceptions import RedisError

        try:
            with self._app.connection_for_write() as connection:
                yield connection
        except (OperationalError, RedisError, OSError) as error:
            raise DependencyUnavailableError("Redis", type(error).__name__) from error

    def close(self) -> None:
        self._app.close()


class MemoryQueue:
    """A queue that only remembers what was sent; ``up`` set to False plays a broker that is down."""

    def __init__(self) -> None:
        self.messages: list[UUID] = []
        self.up = True

    def send(self, job: JobRef) -> bool:
        if self.up:
            self.messages.append(job.id)
        return self.up
