"""Who calls: an access token or an API key becomes a :class:`Caller`, without a query on most requests."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import anyio.to_thread
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from stock_kit.access import SCOPES, Role, Scope
from stock_kit.logging import get_logger
from stock_kit.tokens import AccessTokens, InvalidTokenError, digest

from stock_mlops.errors import UnauthenticatedError
from stock_mlops.services.access_metrics import STALE_CALLERS
from stock_mlops.stores.accounts import Account
from stock_mlops.stores.api_keys import ApiKey

log = get_logger(__name__)

_WHAT_TO_DO = "log in at POST /api/auth/login and send Authorization: Bearer TOKEN, or send an API key in X-API-Key"
# What was revoked works for so long at most, in each process (the promise is five seconds).
_FRESH_SECONDS = 4.0
# While PostgreSQL is down who was known is still let in, so that one can look at what is wrong.
_STALE_SECONDS = 900.0
_REMEMBERED = 10_000
# Look-ups at once for callers that are not known yet: who floods us with invented keys waits in a line of their own,
# and takes neither the handlers' threads nor those who are known out of it.
_STRANGERS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Caller:
    """Who it is, for rules, limits and the audit log."""

    name: str
    scopes: frozenset[Scope]
    role: Role | None = None
    """Of an account that logged in."""
    account_id: UUID | None = None
    """None: the platform itself, or anybody while access is off."""
    limited: bool = True
    """Whether its calls are counted."""


# Anybody, while access is off.
ANYBODY = Caller("anybody", SCOPES[Role.OPERATOR], role=Role.OPERATOR, limited=False)
# Who has the key in the settings: the replay, the command line. Accounts and keys are people's business.
PLATFORM = Caller("platform", SCOPES[Role.OPERATOR] - {Scope.ADMIN}, limited=False)

V = TypeVar("V")


class _Memory(Generic[V]):
    """What blocking look-ups found, for some seconds; what they found before, while they fail."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[V, float]] = {}
        self._strangers = anyio.CapacityLimiter(_STRANGERS_AT_ONCE)

    async def get(self, key: str, look_up: Callable[[str], V | None]) -> V | None:
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[1] < _FRESH_SECONDS:
            return known[0]
        try:
            limiter = self._strangers if known is None else None
            found = await anyio.to_thread.run_sync(look_up, key, limiter=limiter)
        except (DBAPIError, PoolTimeout):
            if known is None or time.monotonic() - known[1] > _STALE_SECONDS:
                raise
            STALE_CALLERS.inc()
            return known[0]
        self._remember(key, found)
        return found

    def _remember(self, key: str, found: V | None) -> None:
        if found is None:
            self._known.pop(key, None)
            return
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = (found, time.monotonic())


class Callers:
    """Of one process.

    Args:
        tokens: verifies access tokens.
        platform_key: the API key of the platform's own programs.
        account: finds an account by its id.
        api_key: finds a key that may be used.
    """

    def __init__(
        self,
        tokens: AccessTokens,
        platform_key: str,
        account: Callable[[UUID], Account | None],
        api_key: Callable[[str], ApiKey | None],
    ) -> None:
        self._tokens = tokens
        self._platform_digest = digest(platform_key)
        self._find_account = account
        self._find_key = api_key
        # By the account's id in text, as tokens have it, with the caller that it makes; and by the key's digest.
        self._accounts: _Memory[tuple[Account, Caller]] = _Memory()
        self._keys: _Memory[Caller] = _Memory()

    async def by_token(self, token: str) -> Caller:
        """Raises :class:`UnauthenticatedError` when the token is good for nothing, or the account has changed since."""
        try:
            claims = self._tokens.verify(token)
        except InvalidTokenError as error:
            raise UnauthenticatedError(f"{error}; {_WHAT_TO_DO}") from error
        known = await self._accounts.get(claims.account_id, self._caller_of_account)
        if known is None or known[0].disabled or claims.issued_at < known[0].tokens_from:
            raise UnauthenticatedError(f"the account has changed since the token was issued; {_WHAT_TO_DO}")
        return known[1]

    async def by_key(self, key: str) -> Caller:
        """Raises :class:`UnauthenticatedError` when there is no such key, or it was revoked."""
        hashed = digest(key)
        if hmac.compare_digest(hashed, self._platform_digest):
            return PLATFORM
        caller = await self._keys.get(hashed, lambda _: self._caller_of_key(key))
        if caller is None:
            raise UnauthenticatedError(f"the API key is not known, or was revoked; {_WHAT_TO_DO}")
        return caller

    def nobody(self) -> UnauthenticatedError:
        return UnauthenticatedError(f"this call needs to know who calls; {_WHAT_TO_DO}")

    def _caller_of_account(self, account_id: str) -> tuple[Account, Caller] | None:
        account = self._find_account(UUID(account_id))
        if account is None:
            return None
        return account, Caller(account.name, SCOPES[account.role], account.role, account.id)

    def _caller_of_key(self, key: str) -> Caller | None:
        found = self._find_key(key)
        if found is None:
            return None
        return Caller(f"{found.account} ({found.prefix})", found.scopes, account_id=found.account_id)
