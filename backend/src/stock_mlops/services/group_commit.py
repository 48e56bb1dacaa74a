"""One commit for all predictions that are waiting for one.

A commit costs a flush to disk, some milliseconds whatever it holds. Requests hand their row over and wait; one thread
writes everything that waits in one statement and lets all of them go. Either all rows of a commit are stored and all
their requests succeed, or none.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from stock_kit.logging import get_logger
from stock_kit.settings import OutboxSettings

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.services.serving_metrics import COMMIT_ROWS
from stock_mlops.stores.outbox import OutboxRow

log = get_logger(__name__)

# A caller waits no longer; the contract is a 503 within about three seconds.
_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    rows: tuple[OutboxRow, ...]
    done: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop


class GroupCommit:
    """Writes rows for many requests at once. ``append`` may be called from any event loop; ``close`` drains."""

    def __init__(
        self,
        write: Callable[[Sequence[OutboxRow]], None],
        settings: OutboxSettings,
        *,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._write = write
        self._window = settings.commit_window.total_seconds()
        self._batch = settings.commit_batch
        self._timeout = timeout
        self._waiting: deque[_Waiting] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="outbox-commit", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    async def append(self, *rows: OutboxRow) -> None:
        """Return when the rows are committed, all in one commit.

        Raises:
            DependencyUnavailableError: the database did not take it, or not in time.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(rows, loop.create_future(), loop)
        self._waiting.append(waiting)
        self._wake.set()
        try:
            # Running out of time cancels the future, and the thread leaves a cancelled row out.
            async with asyncio.timeout(self._timeout):
                await waiting.done
        except TimeoutError:
            raise DependencyUnavailableError("PostgreSQL", f"no commit within {self._timeout:g} s") from None

    def _run(self) -> None:
        while not (self._closing and not self._waiting):
            self._wake.wait()
            self._wake.clear()
            company = False
            while self._waiting:
                # Who comes alone is not kept waiting; while requests come in company, more of them share a commit.
                if company and len(self._waiting) < self._batch and not self._closing:
                    time.sleep(self._window)
                batch = self._take()
                company = len(batch) > 1
                self._commit(batch)

    def _take(self) -> list[_Waiting]:
        """At least one caller's rows, and others' while they fit into a batch."""
        taken: list[_Waiting] = []
        rows = 0
        while self._waiting and (not taken or rows + len(self._waiting[0].rows) <= self._batch):
            waiting = self._waiting.popleft()
            if not waiting.done.cancelled():
                taken.append(waiting)
                rows += len(waiting.rows)
        return taken

    def _commit(self, batch: list[_Waiting]) -> None:
        if not batch:
            return
        error: Exception | None = None
        rows = [row for waiting in batch for row in waiting.rows]
        try:
            self._write(rows)
        except Exception as refused:  # noqa: BLE001  every waiting request must hear of it, and the thread live on
            error = refused
        # Before anything is logged: nobody should wait for that.
        _settle(batch, _for_caller(error))
        if error is None:
            COMMIT_ROWS.observe(len(rows))
        elif _is_outage(error):
            log.warning("outbox_commit_failed", rows=len(rows), error=str(error).splitlines()[0])
        else:
            log.error("outbox_commit_crashed", rows=len(rows), exc_info=error)


def _is_outage(error: Exception) -> bool:
    return isinstance(error, DBAPIError | PoolTimeout)


def _for_caller(error: Exception | None) -> Exception | None:
    if error is not None and _is_outage(error):
        return DependencyUnavailableError("PostgreSQL", "the prediction could not be recorded")
    return error


def _settle(batch: list[_Waiting], error: Exception | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiting in batch:
        by_loop.setdefault(waiting.loop, []).append(waiting.done)
    for loop, futures in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_release, futures, error)


def _release(futures: list[asyncio.Future[None]], error: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
