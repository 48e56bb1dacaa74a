"""Follows jobs for everybody who watches one: a single query per tick, however many they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import anyio.to_thread
from stock_kit.logging import get_logger
from stock_mlops.stores.jobs import Job

from api.errors import outage

log = get_logger(__name__)

_INTERVAL = 0.5


class JobWatch:
    """Of one process; all methods run on its event loop."""

    def __init__(self, read: Callable[[Sequence[UUID]], Sequence[Job]], interval: float = _INTERVAL) -> None:
        self._read = read
        self._interval = interval
        self._watched: dict[UUID, _Watched] = {}
        self._poller: asyncio.Task[None] | None = None

    async def follow(self, job: Job) -> AsyncIterator[Job]:
        """``job``, then each newer state of it, up to and including its end."""
        yield job
        if job.state.is_final:
            return
        watched = self._watched.setdefault(job.id, _Watched(job))
        watched.watchers += 1
        if self._poller is None or self._poller.done():
            self._poller = asyncio.create_task(self._poll(), name="job-watch")
        try:
            while not job.state.is_final:
                job = await watched.after(job)
                yield job
        finally:
            watched.watchers -= 1
            if not watched.watchers:
                self._watched.pop(job.id, None)

    async def _poll(self) -> None:
        while self._watched:
            await asyncio.sleep(self._interval)
            try:
                jobs = await anyio.to_thread.run_sync(self._read, list(self._watched))
            except Exception as error:
                if outage(error) is None:
                    raise
                log.warning("job_watch_interrupted", error=str(error))
                continue
            for job in jobs:
                if job.id in self._watched:
                    self._watched[job.id].tell(job)


class _Watched:
    def __init__(self, job: Job) -> None:
        self.watchers = 0
        self._job = job
        self._changed = asyncio.Event()

    def tell(self, job: Job) -> None:
        if _shown(job) != _shown(self._job):
            self._job = job
            self._changed.set()
            self._changed = asyncio.Event()

    async def after(self, known: Job) -> Job:
        """The newest state, once it differs from ``known``."""
        while _shown(self._job) == _shown(known):
            await self._changed.wait()
        return self._job


def _shown(job: Job) -> tuple[object, ...]:
    return job.state, job.stage, job.progress, len(job.partial), job.fence
