"""Copies of cached feature vectors inside the process: a forecast without a round trip to Redis.

A load announces on a channel whose vectors it replaced, in the transaction that removes them from Redis. A process
keeps copies only while it listens there, drops one when its load is announced and all when the connection breaks, and
keeps none longer than a second, should a connection die without a word.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError
from stock_kit.logging import get_logger

from stock_mlops.instruments import Instrument
from stock_mlops.stores.vectors import LOADS_CHANNEL, Miss, VectorCache
from stock_mlops.stores.warehouse import FeatureVector

log = get_logger(__name__)

_LONGEST_SECONDS = 1.0
_MOST = 20_000
_RETRY_SECONDS = 0.5
# The wait for an announcement is broken off now and then, so that a stop is noticed.
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Copy:
    vector: FeatureVector
    until: float


class NearVectorCache:
    """``far``, and copies of what was read from it; on one event loop."""

    def __init__(self, far: VectorCache) -> None:
        self._far = far
        self._copies: dict[str, _Copy] = {}
        self._listening = False
        # Counts announcements: what was asked for before one may be what it replaced.
        self._announced = 0

    def held(self, instrument: Instrument) -> FeatureVector | None:
        copy = self._copies.get(instrument.key)
        return copy.vector if copy is not None and time.monotonic() < copy.until else None

    async def get(self, instrument: Instrument) -> FeatureVector | Miss:
        announced = self._announced
        found = self._known(instrument, await self._far.get(instrument))
        if isinstance(found, FeatureVector):
            self._keep({instrument: found}, announced)
        return found

    async def get_many(self, instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector | Miss]:
        announced = self._announced
        found = {item: self._known(item, answer) for item, answer in (await self._far.get_many(instruments)).items()}
        self._keep({item: vector for item, vector in found.items() if isinstance(vector, FeatureVector)}, announced)
        return found

    async def put(self, instrument: Instrument, miss: Miss, vector: FeatureVector) -> bool:
        return await self._far.put(instrument, miss, vector)

    async def put_many(self, vectors: Mapping[Instrument, tuple[Miss, FeatureVector]]) -> dict[Instrument, bool]:
        return await self._far.put_many(vectors)

    def _known(self, instrument: Instrument, found: FeatureVector | Miss) -> FeatureVector | Miss:
        """The copy from before when nothing has changed: what was made of it is known by it."""
        copy = self._copies.get(instrument.key)
        return copy.vector if copy is not None and copy.vector == found else found

    def _keep(self, found: Mapping[Instrument, FeatureVector], announced: int) -> None:
        """Unless a load was announced since they were asked for."""
        if not self._listening or announced != self._announced:
            return
        until = time.monotonic() + _LONGEST_SECONDS
        for instrument, vector in found.items():
            if len(self._copies) >= _MOST:
                self._copies.clear()
            self._copies[instrument.key] = _Copy(vector, until)

    def begin(self) -> None:
        """From now on loads are announced."""
        self._listening = True

    def forget(self, key: str) -> None:
        """A load replaced the vector of the instrument with this key."""
        self._announced += 1
        self._copies.pop(key, None)

    def end(self) -> None:
        """Loads are no longer announced."""
        self._announced += 1
        self._listening = False
        self._copies.clear()


async def listen(cache: NearVectorCache, redis: AsyncRedis) -> None:
    """Tell ``cache`` of loads until cancelled; reconnects for ever."""
    while True:
        try:
            async with redis.pubsub() as channel:
                await channel.subscribe(LOADS_CHANNEL)
                while True:
                    message = await channel.get_message(timeout=_PATIENCE_SECONDS)
                    if message is not None:
                        _take(cache, message)
        except (RedisError, OSError) as error:
            log.warning("vector_loads_not_heard", error=str(error))
        finally:
            cache.end()
        await asyncio.sleep(_RETRY_SECONDS)


def _take(cache: NearVectorCache, message: dict[str, Any]) -> None:
    if message["type"] == "subscribe":
        cache.begin()
    elif message["type"] == "message":
        cache.forget(message["data"].decode())
