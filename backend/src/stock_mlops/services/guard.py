"""The one decision about every call: who is it, may they, and was it not too often?"""

from __future__ import annotations

import time
from typing import Protocol

from redis.exceptions import RedisError
from stock_kit.access import Scope
from stock_kit.logging import get_logger
from stock_kit.service_settings import AccessSettings

from stock_mlops.errors import ForbiddenError, TooManyRequestsError
from stock_mlops.services.access_metrics import UNCOUNTED
from stock_mlops.services.callers import ANYBODY, Caller, Callers
from stock_mlops.stores.throttles import CallBudget

log = get_logger(__name__)

# Redis is asked for this share of a minute's calls at once, so that a prediction seldom waits for it. What a process
# took and did not use is lost to the caller: one per cent per process at most.
_SHARE = 100
# After Redis did not answer it is left alone for so long: a time-out per request would be worse than no count.
_PAUSE_SECONDS = 1.0
_REMEMBERED = 10_000


class Guard(Protocol):
    enabled: bool

    async def identify(self, token: str | None, key: str | None) -> Caller:
        """Who calls; raises :class:`UnauthenticatedError` when that is not known."""
        ...

    async def admit(self, caller: Caller, needed: Scope) -> None:
        """
        Raises:
            ForbiddenError: they may not.
            TooManyRequestsError: they may, and did so too often.
        """
        ...


class OpenGuard:
    """Access is off: whoever reaches the port may do everything."""

    enabled = False

    async def identify(self, token: str | None, key: str | None) -> Caller:  # noqa: ARG002
        return ANYBODY

    async def admit(self, caller: Caller, needed: Scope) -> None:
        """They may."""


class CallLimiter:
    """Counts calls for all processes in Redis, a few at a time."""

    def __init__(self, budget: CallBudget, settings: AccessSettings) -> None:
        self._budget = budget
        self._limits = {
            Scope.READ: settings.reads_per_minute,
            Scope.PREDICT: settings.predictions_per_minute,
            Scope.WRITE: settings.changes_per_minute,
            Scope.ADMIN: settings.changes_per_minute,
        }
        self._left: dict[str, int] = {}
        self._refused_until: dict[str, float] = {}
        self._down_until = 0.0

    async def spend(self, caller: str, scope: Scope) -> float:
        """Count one call; the seconds to wait when it is one too many, else 0. Without Redis nothing is counted."""
        account = f"{scope}:{caller}"
        left = self._left.get(account, 0)
        if left:
            self._left[account] = left - 1
            return 0.0
        now = time.monotonic()
        if (refused := self._refused_until.get(account, 0.0)) > now:
            return refused - now
        if now < self._down_until:
            UNCOUNTED.inc()
            return 0.0
        return await self._take(account, self._limits[scope])

    async def _take(self, account: str, per_minute: int) -> float:
        try:
            granted, wait = await self._budget.take(account, per_minute, max(1, per_minute // _SHARE))
        except RedisError as error:
            log.warning("calls_not_counted", error=str(error))
            UNCOUNTED.inc()
            self._down_until = time.monotonic() + _PAUSE_SECONDS
            return 0.0
        if len(self._left) >= _REMEMBERED:
            self._left.clear()
            self._refused_until.clear()
        if granted:
            # Others may have asked at the same moment, and each got something.
            self._left[account] = self._left.get(account, 0) + granted - 1
        else:
            self._refused_until[account] = time.monotonic() + wait
        return wait


class AccessGuard:
    """Access is on."""

    enabled = True

    def __init__(self, callers: Callers, limiter: CallLimiter) -> None:
        self._callers = callers
        self._limiter = limiter

    async def identify(self, token: str | None, key: str | None) -> Caller:
        if token is not None:
            return await self._callers.by_token(token)
        if key is not None:
            return await self._callers.by_key(key)
        raise self._callers.nobody()

    async def admit(self, caller: Caller, needed: Scope) -> None:
        if needed not in caller.scopes:
            allowed = ", ".join(sorted(caller.scopes)) or "nothing"
            raise ForbiddenError(f"this call needs the scope {needed}, {caller.name} has {allowed}; ask an operator")
        if caller.limited and (wait := await self._limiter.spend(caller.name, needed)) > 0:
            raise TooManyRequestsError(f"{caller.name} calls too often; try again in {wait:.1f} seconds", wait)
