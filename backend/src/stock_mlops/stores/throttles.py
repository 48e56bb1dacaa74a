"""What Redis counts for all processes: calls per caller, and log-ins that failed. It may be emptied at any time."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Protocol, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from stock_kit.tokens import digest

_CALLS, _LOGINS = "stock:calls:1:", "stock:logins:1:"

# The generic cell rate algorithm (ITU-T I.371, annex A): one number per caller, the time at which all that was taken
# will have been earned. KEYS: the caller's. ARGV: calls per minute, how many are wanted.
# Gives how many are granted, and when none is, the milliseconds until one will be.
_TAKE_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local minute, interval = 60000000, 60000000 / tonumber(ARGV[1])
local earned_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local room = math.floor((now + minute - earned_at) / interval + 0.000001)
if room < 1 then return {0, math.ceil((earned_at + interval - minute - now) / 1000)} end
local granted = math.min(room, tonumber(ARGV[2]))
earned_at = earned_at + granted * interval
redis.call('SET', KEYS[1], string.format('%.0f', earned_at), 'PX', math.ceil((earned_at - now) / 1000))
return {granted, 0}
"""
# KEYS: account, address. ARGV: limit of each, window in ms. Counts an attempt for both; gives the milliseconds to wait
# when that was too many for either.
_ATTEMPT_SCRIPT = """
local wait = 0
for place, key in ipairs(KEYS) do
  local count = redis.call('INCR', key)
  if count == 1 then redis.call('PEXPIRE', key, ARGV[3]) end
  if count > tonumber(ARGV[place]) then wait = math.max(wait, redis.call('PTTL', key)) end
end
return wait
"""
# KEYS: account, address. The attempt succeeded: the account's failures are forgiven, the address's attempt was none.
_SUCCESS_SCRIPT = """
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECR', KEYS[2]) end
"""


class CallBudget(Protocol):
    """Raises :class:`redis.exceptions.RedisError` when it does not answer."""

    async def take(self, caller: str, per_minute: int, wanted: int) -> tuple[int, float]:
        """How many calls are granted, at most ``wanted``; when none, the seconds until one will be."""
        ...


class RedisCallBudget:
    def __init__(self, redis: AsyncRedis) -> None:
        self._take = redis.register_script(_TAKE_SCRIPT)

    async def take(self, caller: str, per_minute: int, wanted: int) -> tuple[int, float]:
        granted, wait_ms = cast(tuple[int, int], await self._take(keys=[_CALLS + caller], args=[per_minute, wanted]))
        return granted, wait_ms / 1000


class LoginThrottle(Protocol):
    """Raises :class:`redis.exceptions.RedisError` when it does not answer."""

    def attempt(self, account: str, address: str) -> float:
        """Count an attempt before it is made; the seconds to wait when there were too many, else 0."""
        ...

    def succeeded(self, account: str, address: str) -> None:
        """It was no failure after all."""
        ...


class RedisLoginThrottle:
    """At most ``limit`` failures per account and three times as many per address within ``window``."""

    def __init__(self, redis: Redis, limit: int, window: timedelta) -> None:
        self._arguments = [limit, 3 * limit, int(window.total_seconds() * 1000)]
        self._attempt = redis.register_script(_ATTEMPT_SCRIPT)
        self._succeeded = redis.register_script(_SUCCESS_SCRIPT)

    def attempt(self, account: str, address: str) -> float:
        return cast(int, self._attempt(keys=_places(account, address), args=self._arguments)) / 1000

    def succeeded(self, account: str, address: str) -> None:
        self._succeeded(keys=_places(account, address))


class MemoryLoginThrottle:
    """The same rules for one process: what takes over while Redis is down, since nobody may guess unhindered then."""

    def __init__(self, limit: int, window: timedelta) -> None:
        self._limits = (limit, 3 * limit)
        self._window = window.total_seconds()
        self._counts: dict[str, tuple[int, float]] = {}

    def attempt(self, account: str, address: str) -> float:
        now, wait = time.monotonic(), 0.0
        for key, limit in zip(_places(account, address), self._limits, strict=True):
            count, until = self._counts.get(key, (0, 0.0))
            count, until = (1, now + self._window) if until <= now else (count + 1, until)
            self._counts[key] = (count, until)
            if count > limit:
                wait = max(wait, until - now)
        if len(self._counts) > 10_000:
            self._counts = {key: value for key, value in self._counts.items() if value[1] > now}
        return wait

    def succeeded(self, account: str, address: str) -> None:
        first, second = _places(account, address)
        self._counts.pop(first, None)
        if second in self._counts:
            count, until = self._counts[second]
            self._counts[second] = (count - 1, until)


def _places(account: str, address: str) -> list[str]:
    # Hashed: what is typed as a name may be a password, and may be long.
    return [f"{_LOGINS}account:{digest(account.lower())}", f"{_LOGINS}address:{address}"]
