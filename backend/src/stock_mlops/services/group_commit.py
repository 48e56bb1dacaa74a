"""One commit for all predictions that are waiting for one.

A commit costs a flush to disk, some milliseconds whatever it holds. Requests hand their rows over and wait; what comes
while every writer has a commit under way shares the next. Either all rows of a commit are stored and all their requests
succeed, or none. What is stored is sent, in one go too, and a moment later: who waits for an answer comes first. It all
happens on the event loop that answers: a thread of its own would take turns with it at the interpreter, which costs
more than the commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from stock_kit.logging import get_logger
from stock_kit.service_settings import OutboxSettings

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.services.serving_metrics import COMMIT_ROWS
from stock_mlops.stores.outbox import OutboxRow
from stock_mlops.stores.outbox_connection import OUTAGES

log = get_logger(__name__)

# A caller waits no longer; the contract is a 503 within about three seconds.
_TIMEOUT = 3.0
_DRAIN_SECONDS = 5.0
_SEND_PAUSE = 0.002
_SEND_AT_ONCE = 100


class Forwarder(Protocol):
    def forward_all(self, events: Iterable[tuple[str, str, str]]) -> None:
        """Hand over the topics, keys and JSON of events; never blocks, never raises."""
        ...


Write = Callable[[Sequence[OutboxRow]], Awaitable[None]]
"""Stores rows, all or none; one call at a time."""


class _Waiting(NamedTuple):
    rows: tuple[OutboxRow, ...]
    done: asyncio.Future[None]


class GroupCommit:
    """Writes rows for many requests at once, on one event loop, and then gives them to ``sender``.

    With two writers one commit is being put together while the database flushes the other, and a bulk holds nobody up.
    """

    def __init__(
        self,
        writers: Iterable[Write],
        sender: Forwarder,
        settings: OutboxSettings,
        *,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._idle = list(writers)
        self._sender = sender
        self._batch = settings.commit_batch
        self._timeout = timeout
        self._waiting: deque[_Waiting] = deque()
        self._writing: set[asyncio.Task[None]] = set()
        self._starting = False
        self._unsent: list[OutboxRow] = []

    async def append(self, *rows: OutboxRow) -> None:
        """Return when the rows are committed, all in one commit.

        Raises:
            DependencyUnavailableError: the database did not take it, or not in time.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Waiting(rows, done))
        if self._idle and not self._starting:
            # It begins when the loop has looked at every request that came at the same moment.
            self._starting = True
            task = loop.create_task(self._write_all(self._idle.pop()), name="outbox-commit")
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        # What was given up, or whose caller went away, is left out.
        patience = loop.call_later(self._timeout, self._give_up, done)
        try:
            await done
        finally:
            patience.cancel()

    async def close(self) -> None:
        """Wait until what waits is written, and send it."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=_DRAIN_SECONDS)
        rows, self._unsent = self._unsent, []
        self._send(rows)

    def _give_up(self, done: asyncio.Future[None]) -> None:
        if not done.done():
            done.set_exception(DependencyUnavailableError("PostgreSQL", f"no commit within {self._timeout:g} s"))

    async def _write_all(self, write: Write) -> None:
        """Until nobody waits."""
        self._starting = False
        while batch := self._take():
            await self._commit(batch, write)
        self._idle.append(write)

    def _take(self) -> list[_Waiting]:
        """Some callers' rows, as many as fit into a batch but at least one's; empty when nobody waits."""
        taken: list[_Waiting] = []
        rows = 0
        while self._waiting and (not taken or rows + len(self._waiting[0].rows) <= self._batch):
            waiting = self._waiting.popleft()
            if not waiting.done.done():
                taken.append(waiting)
                rows += len(waiting.rows)
        return taken

    async def _commit(self, batch: list[_Waiting], write: Write) -> None:
        error: Exception | None = None
        rows = [row for waiting in batch for row in waiting.rows]
        try:
            await write(rows)
        except Exception as refused:  # noqa: BLE001  every waiting request must hear of it, and the next be served
            error = refused
        _settle(batch, error)
        if error is None:
            if not self._unsent:
                asyncio.get_running_loop().call_later(_SEND_PAUSE, self._send_some)
            self._unsent += rows
            COMMIT_ROWS.observe(len(rows))
        elif isinstance(error, OUTAGES):
            log.warning("outbox_commit_failed", rows=len(rows), error=str(error).partition("\n")[0] or repr(error))
        else:
            log.error("outbox_commit_crashed", rows=len(rows), exc_info=error)

    def _send_some(self) -> None:
        """Not all of a bulk at once, so that answers get in between."""
        rows, self._unsent = self._unsent[:_SEND_AT_ONCE], self._unsent[_SEND_AT_ONCE:]
        if self._unsent:
            asyncio.get_running_loop().call_later(_SEND_PAUSE, self._send_some)
        self._send(rows)

    def _send(self, rows: Sequence[OutboxRow]) -> None:
        if rows:
            self._sender.forward_all((row.topic, row.key, row.payload) for row in rows)


def _settle(batch: list[_Waiting], error: Exception | None) -> None:
    if isinstance(error, OUTAGES):
        error = DependencyUnavailableError("PostgreSQL", "the prediction could not be recorded")
    for waiting in batch:
        if waiting.done.done():
            continue
        if error is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(error)
