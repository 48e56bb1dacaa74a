"""Redis cache of the newest feature vector of each instrument.

Two keys per instrument. The *vector* is what is cached. The *token* is a random value that stands for "the data as of
the newest load". A reader that misses takes the token first, reads ClickHouse, and may store what it read only while
the token is still the same; a load replaces the token after it has written ClickHouse. So a slow reader never puts an
old vector back, not even across Redis being emptied: then its token is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Protocol, cast
from uuid import uuid4

import orjson
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from stock_mlops.instruments import Instrument
from stock_mlops.stores.warehouse import FeatureVector

# Bump when the layout of the value changes: a reader of another release must not read it.
_VECTOR, _TOKEN = "stock:vector:1:", "stock:vector-token:1:"

LOADS_CHANNEL = "stock:vector-loads:1"
"""Where a load announces the key of each instrument whose vector it replaced."""

# KEYS: token. ARGV: fresh token, ttl in ms. Gives the token in force, made when there is none.
_READER_SCRIPT = """
local token = redis.call('GET', KEYS[1])
if not token then
  token = ARGV[1]
  redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
end
return token
"""
# KEYS: token, vector. ARGV: the reader's token, the vector, ttl in ms.
_PUT_SCRIPT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""
# Keys of so many instruments go in one round trip.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing cached; ``token`` allows one later :meth:`VectorCache.put`."""

    token: bytes


class VectorCache(Protocol):
    """Raises :class:`redis.exceptions.RedisError` when it does not answer."""

    def held(self, instrument: Instrument) -> FeatureVector | None:
        """What this process itself holds and knows to be the newest."""
        ...

    async def get(self, instrument: Instrument) -> FeatureVector | Miss: ...

    async def get_many(self, instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector | Miss]:
        """As :meth:`get` of each, in two round trips."""
        ...

    async def put(self, instrument: Instrument, miss: Miss, vector: FeatureVector) -> bool:
        """Keep the vector unless a load has happened since the miss; tells whether it was kept."""
        ...

    async def put_many(self, vectors: Mapping[Instrument, tuple[Miss, FeatureVector]]) -> dict[Instrument, bool]:
        """As :meth:`put` of each, in one round trip."""
        ...


class RedisVectorCache:
    """The cache as the prediction path uses it, on one event loop."""

    def __init__(self, redis: AsyncRedis, ttl: timedelta) -> None:
        self._redis = redis
        self._ttl_ms = int(ttl.total_seconds() * 1000)
        self._take_token = redis.register_script(_READER_SCRIPT)
        self._put = redis.register_script(_PUT_SCRIPT)

    def held(self, instrument: Instrument) -> FeatureVector | None:  # noqa: ARG002  the protocol's
        return None

    async def get(self, instrument: Instrument) -> FeatureVector | Miss:
        cached = await self._redis.get(_VECTOR + instrument.key)
        if cached is not None:
            return decode(cached)
        return Miss(cast(bytes, await self._take_token(**self._of_token(instrument))))

    async def get_many(self, instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector | Miss]:
        cached = await self._redis.mget([_VECTOR + instrument.key for instrument in instruments])
        found: dict[Instrument, FeatureVector | Miss] = {
            item: decode(content) for item, content in zip(instruments, cached, strict=True) if content is not None
        }
        missing = [item for item in instruments if item not in found]
        pipeline = self._redis.pipeline(transaction=False)
        for item in missing:
            await self._take_token(**self._of_token(item), client=pipeline)
        tokens = await pipeline.execute() if missing else []
        return found | {item: Miss(token) for item, token in zip(missing, tokens, strict=True)}

    async def put(self, instrument: Instrument, miss: Miss, vector: FeatureVector) -> bool:
        return bool(await self._put(**self._of_put(instrument, miss, vector)))

    async def put_many(self, vectors: Mapping[Instrument, tuple[Miss, FeatureVector]]) -> dict[Instrument, bool]:
        pipeline = self._redis.pipeline(transaction=False)
        for item, (miss, vector) in vectors.items():
            await self._put(**self._of_put(item, miss, vector), client=pipeline)
        kept = await pipeline.execute() if vectors else []
        return {item: bool(answer) for item, answer in zip(vectors, kept, strict=True)}

    def _of_token(self, instrument: Instrument) -> dict[str, Any]:
        # A token outlives every reader that holds it, whatever the vectors' own time to live.
        return {"keys": [_TOKEN + instrument.key], "args": [uuid4().hex, max(self._ttl_ms, _TOKEN_TTL_MS)]}

    def _of_put(self, instrument: Instrument, miss: Miss, vector: FeatureVector) -> dict[str, Any]:
        keys = [_TOKEN + instrument.key, _VECTOR + instrument.key]
        return {"keys": keys, "args": [miss.token, encode(vector), self._ttl_ms]}


_TOKEN_TTL_MS = 3_600_000


class VectorInvalidation:
    """The loading side: makes readers go to ClickHouse again. Call it after the warehouse was written."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def invalidate(self, instruments: Sequence[Instrument]) -> None:
        """Forget the vectors of ``instruments``, and refuse what readers have read before this moment.

        Raises:
            redis.exceptions.RedisError: Redis does not answer; an old vector may then be served until its time to live
                ends, so the caller should report it.
        """
        for start in range(0, len(instruments), _CHUNK):
            pipeline = self._redis.pipeline(transaction=True)
            for instrument in instruments[start : start + _CHUNK]:
                pipeline.set(_TOKEN + instrument.key, uuid4().hex, px=_TOKEN_TTL_MS)
                pipeline.delete(_VECTOR + instrument.key)
                pipeline.publish(LOADS_CHANNEL, instrument.key)
            pipeline.execute()


class MemoryVectorCache:
    """The same rules in memory; ``error`` plays a Redis that is down."""

    def __init__(self) -> None:
        self.vectors: dict[str, bytes] = {}
        self.tokens: dict[str, bytes] = {}
        self.error: Exception | None = None

    def held(self, instrument: Instrument) -> FeatureVector | None:  # noqa: ARG002  the protocol's
        return None

    async def get(self, instrument: Instrument) -> FeatureVector | Miss:
        self._check()
        if instrument.key in self.vectors:
            return decode(self.vectors[instrument.key])
        return Miss(self.tokens.setdefault(instrument.key, uuid4().bytes))

    async def get_many(self, instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector | Miss]:
        return {item: await self.get(item) for item in instruments}

    async def put_many(self, vectors: Mapping[Instrument, tuple[Miss, FeatureVector]]) -> dict[Instrument, bool]:
        return {item: await self.put(item, *read) for item, read in vectors.items()}

    async def put(self, instrument: Instrument, miss: Miss, vector: FeatureVector) -> bool:
        self._check()
        if self.tokens.get(instrument.key) != miss.token:
            return False
        self.vectors[instrument.key] = encode(vector)
        return True

    def invalidate(self, instruments: Sequence[Instrument]) -> None:
        self._check()
        for instrument in instruments:
            self.tokens[instrument.key] = uuid4().bytes
            self.vectors.pop(instrument.key, None)

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


def encode(vector: FeatureVector) -> bytes:
    return orjson.dumps([vector.session, vector.last_close, vector.values, vector.feature_version, vector.data_version])


# A vector stays for a session, and is read again every second in which it is asked for.
@lru_cache(4096)
def decode(content: bytes) -> FeatureVector:
    session, last_close, values, feature_version, data_version = orjson.loads(content)
    return FeatureVector(date.fromisoformat(session), last_close, values, feature_version, data_version)
