"""Copies of cached feature vectors inside the process: a forecast without a round trip to Redis.

A load announces on a channel whose vectors it replaced, in the transaction that removes them from Redis. A process
keeps copies only while it listens there, and drops one when its load is announced and all when the connection breaks.
Should a connection die without a word, copies serve no longer than a second: some times a second Redis is asked for an
answer on the same connection, which comes after all that was announced before.
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

_LONGEST_SILENCE = 1.0
_PULSE_SECONDS = 0.3
# Should ClickHouse have been changed by what announces nothing, such as a restored backup.
_LONGEST_SECONDS = 30.0
_MOST = 20_000
_RETRY_SECONDS = 0.5


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
        self._current_until = 0.0
        # Counts announcements: what was asked for before one may be what it replaced.
        self._announced = 0

    def held(self, instrument: Instrument) -> FeatureVector | None:
        now = time.monotonic()
        if now >= self._current_until:
            return None
        copy = self._copies.get(instrument.key)
        return copy.vector if copy is not None and now < copy.until else None

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
        """From now on loads are announced. The client may have connected anew by itself, and have missed some."""
        self.end()
        self._listening = True

    def heard(self, moment: float) -> None:
        """All loads are known that had ended at this moment, by the monotonic clock."""
        self._current_until = moment + _LONGEST_SILENCE

    def forget(self, key: str) -> None:
        """A load replaced the vector of the instrument with this key."""
        self._announced += 1
        self._copies.pop(key, None)

    def end(self) -> None:
        """Loads are no longer announced."""
        self._announced += 1
        self._listening = False
        self._current_until = 0.0
        self._copies.clear()


async def listen(cache: NearVectorCache, redis: AsyncRedis) -> None:
    """Tell ``cache`` of loads until cancelled; reconnects for ever."""
    while True:
        try:
            async with redis.pubsub() as channel:
                await channel.subscribe(LOADS_CHANNEL)
                asked = 0.0
                while True:
                    if (now := time.monotonic()) >= asked + _PULSE_SECONDS:
                        asked = now
                        await channel.ping(str(now))
                    message = await channel.get_message(timeout=_PULSE_SECONDS)
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
    elif message["type"] == "pong":
        cache.heard(float(message["data"]))
