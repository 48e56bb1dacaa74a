"""Redis cache of answers to reads, which no load outlives.

Every answer belongs to a *scope*: the data of one instrument, or of all. A scope has a token, a random value that
stands for "the data as of the newest load"; an answer is stored with the token that was in force before its data were
read, and is good only while that token still is. A load replaces the tokens after it has written. So a slow reader
never puts an old answer back, not even across Redis being emptied: then its token is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol, cast
from uuid import uuid4

from redis import Redis

from stock_mlops.instruments import Instrument

EVERYTHING = "*"
"""The scope of answers about more than one instrument."""

# Bump when the layout changes: a reader of another release must not read it.
_ANSWER, _TOKEN = "stock:read:1:", "stock:read-token:1:"
_TOKEN_BYTES = 32
# A token outlives every answer that bears it.
_TOKEN_TTL = timedelta(days=1)
# Redis is memory that others need: what is larger is read again.
_LARGEST = 512 * 1024
# Keys of so many instruments go in one round trip.
_CHUNK = 500


class ReadCache(Protocol):
    """Raises :class:`redis.exceptions.RedisError` when it does not answer."""

    def fetch(self, scope: str, name: str, make: Callable[[], bytes], ttl: timedelta) -> bytes:
        """The answer ``name`` of a scope, made when there is none that is still right."""
        ...


class RedisReadCache:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def fetch(self, scope: str, name: str, make: Callable[[], bytes], ttl: timedelta) -> bytes:
        key = f"{_ANSWER}{scope}:{name}"
        token, stored = cast(list[bytes | None], self._redis.mget(_TOKEN + scope, key))
        if token is None:
            token = self._new_token(scope)
        elif stored is not None and stored.startswith(token):
            return stored[_TOKEN_BYTES:]
        body = make()
        if len(body) <= _LARGEST:
            self._redis.set(key, token + body, px=ttl)
        return body

    def _new_token(self, scope: str) -> bytes:
        """The token in force: ours, or that of a reader or a load that was faster."""
        ours = _make_token()
        known = self._redis.set(_TOKEN + scope, ours, nx=True, get=True, px=_TOKEN_TTL)
        return ours if known is None else cast(bytes, known)


def forget_reads(redis: Redis, instruments: Iterable[Instrument]) -> None:
    """Make every answer about ``instruments`` be made again; to be called after their data were written.

    Raises:
        redis.exceptions.RedisError: Redis does not answer; an old answer may then be given until its time to live ends.
    """
    scopes = [EVERYTHING, *(instrument.key for instrument in instruments)]
    for start in range(0, len(scopes), _CHUNK):
        pipeline = redis.pipeline(transaction=True)
        for scope in scopes[start : start + _CHUNK]:
            pipeline.set(_TOKEN + scope, _make_token(), px=_TOKEN_TTL)
        pipeline.execute()


def _make_token() -> bytes:
    return uuid4().hex.encode()


class MemoryReadCache:
    """The same rules in memory; ``error`` plays a Redis that is down."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], bytes] = {}
        self.error: Exception | None = None

    def fetch(self, scope: str, name: str, make: Callable[[], bytes], ttl: timedelta) -> bytes:  # noqa: ARG002
        if self.error is not None:
            raise self.error
        if (scope, name) not in self.answers:
            self.answers[scope, name] = make()
        return self.answers[scope, name]
