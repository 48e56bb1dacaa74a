"""The newest feature vector of an instrument: from this process, else from Redis, else from ClickHouse.

Redis only saves time here. When it fails, the failure is counted, said once, and ClickHouse answers: failing open on
purpose, in this one place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from redis.exceptions import RedisError
from stock_kit.logging import get_logger

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.instruments import Instrument
from stock_mlops.services.serving_metrics import CACHE_ERRORS, VECTOR_READS
from stock_mlops.stores.vectors import Miss, VectorCache
from stock_mlops.stores.warehouse import FeatureVector

log = get_logger(__name__)

T = TypeVar("T")

# After a failure Redis is left alone for so long: otherwise every request would wait for its time-out.
_COOL_DOWN = 1.0
# Reads of ClickHouse at once; the rest wait, so that an outage cannot use up the process's threads.
_WAREHOUSE_READS = 8
_WAREHOUSE_PATIENCE = 3.0
# Loads of one instrument follow each other seconds apart; twice in the time of one read is already unlikely.
_ATTEMPTS = 3
# Of so many instruments ClickHouse is asked at once: an answer of some megabytes, within a second or so.
_AT_ONCE = 100

_FROM_MEMORY = VECTOR_READS.labels("memory")


class Vectors:
    """Reads of one instrument that happen at the same time share one look-up."""

    def __init__(
        self,
        cache: VectorCache,
        read: Callable[[Instrument], FeatureVector | None],
        read_many: Callable[[Sequence[Instrument]], Mapping[Instrument, FeatureVector]],
    ) -> None:
        """
        Args:
            read: the newest vector that the warehouse has, if it has any; ``read_many`` those of many.
        """
        self._cache = cache
        self._read = read
        self._read_many = read_many
        self._limiter = anyio.CapacityLimiter(_WAREHOUSE_READS)
        self._running: dict[Instrument, asyncio.Task[FeatureVector | None]] = {}
        self._retry_at = 0.0
        self._cache_failing = False

    async def newest(self, instrument: Instrument) -> FeatureVector | None:
        """None when the warehouse has nothing of the instrument; raises what the warehouse raises."""
        held = self._cache.held(instrument)
        if held is not None:
            _FROM_MEMORY.inc()
            return held
        task = self._running.get(instrument)
        if task is None:
            task = asyncio.create_task(self._look_up(instrument))
            self._running[instrument] = task
            task.add_done_callback(lambda ended: self._ended(instrument, ended))
        # A caller that goes away must not take the look-up from the others.
        return await asyncio.shield(task)

    async def newest_many(self, instruments: Sequence[Instrument]) -> list[FeatureVector | None]:
        """As :meth:`newest` of each, but Redis and ClickHouse are asked for many at once."""
        held = [self._cache.held(item) for item in instruments]
        missing = [item for item, vector in zip(instruments, held, strict=True) if vector is None]
        _FROM_MEMORY.inc(len(held) - len(missing))
        if missing:
            answers = await self._asked(lambda: self._cache.get_many(missing)) or {}
            cached = {item: answer for item, answer in answers.items() if isinstance(answer, FeatureVector)}
            VECTOR_READS.labels("cache").inc(len(cached))
            tokens = {item: answer for item, answer in answers.items() if isinstance(answer, Miss)}
            read = await self._look_up_many([item for item in missing if item not in cached], tokens)
            found = cached | read
            held = [
                found.get(item) if vector is None else vector for item, vector in zip(instruments, held, strict=True)
            ]
        return held

    async def _look_up_many(
        self, instruments: Sequence[Instrument], tokens: Mapping[Instrument, Miss]
    ) -> dict[Instrument, FeatureVector]:
        found: dict[Instrument, FeatureVector] = {}
        for first in range(0, len(instruments), _AT_ONCE):
            part = instruments[first : first + _AT_ONCE]
            found |= await self._from_warehouse(partial(self._read_many, part))
        VECTOR_READS.labels("warehouse").inc(len(found))
        VECTOR_READS.labels("none").inc(len(instruments) - len(found))
        to_keep = {item: (tokens[item], vector) for item, vector in found.items() if item in tokens}
        kept = (await self._asked(lambda: self._cache.put_many(to_keep)) or {}) if to_keep else {}
        for instrument in [item for item, was_kept in kept.items() if not was_kept]:
            # A load ended while ClickHouse was read.
            newer = await self.newest(instrument)
            if newer is not None:
                found[instrument] = newer
        return found

    def _ended(self, instrument: Instrument, task: asyncio.Task[FeatureVector | None]) -> None:
        self._running.pop(instrument, None)
        if not task.cancelled():
            task.exception()  # looked at, also when every caller went away

    async def _look_up(self, instrument: Instrument) -> FeatureVector | None:
        vector: FeatureVector | None = None
        for _ in range(_ATTEMPTS):
            cached = await self._cached(instrument)
            if isinstance(cached, FeatureVector):
                VECTOR_READS.labels("cache").inc()
                return cached
            vector = await self._from_warehouse(partial(self._read, instrument))
            VECTOR_READS.labels("none" if vector is None else "warehouse").inc()
            if vector is None or cached is None or await self._keep(instrument, cached, vector):
                break
            # A load ended while ClickHouse was read: callers that joined since must not get the older vector.
        return vector

    async def _from_warehouse(self, read: Callable[[], T]) -> T:
        try:
            # Bounds the wait for a turn; the read itself ends by its connection's time limits.
            async with asyncio.timeout(_WAREHOUSE_PATIENCE):
                return await anyio.to_thread.run_sync(read, limiter=self._limiter)
        except TimeoutError:
            raise DependencyUnavailableError("ClickHouse", f"no answer within {_WAREHOUSE_PATIENCE:g} s") from None

    async def _cached(self, instrument: Instrument) -> FeatureVector | Miss | None:
        return await self._asked(lambda: self._cache.get(instrument))

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the cache answers; None while it is left alone, or when it fails."""
        if time.monotonic() < self._retry_at:
            return None
        try:
            found = await ask()
        except RedisError as error:
            self._note_failure(error)
            return None
        if self._cache_failing:
            self._cache_failing = False
            log.info("vector_cache_back")
        return found

    async def _keep(self, instrument: Instrument, miss: Miss, vector: FeatureVector) -> bool:
        """False when the vector is older than the newest load."""
        try:
            return await self._cache.put(instrument, miss, vector)
        except RedisError as error:
            self._note_failure(error)
            return True

    def _note_failure(self, error: RedisError) -> None:
        CACHE_ERRORS.inc()
        self._retry_at = time.monotonic() + _COOL_DOWN
        if not self._cache_failing:
            self._cache_failing = True
            log.warning("vector_cache_down", error=str(error))
