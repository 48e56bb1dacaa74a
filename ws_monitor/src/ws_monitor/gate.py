"""Who may open a socket. A browser can send nothing with it but an address, hence one-time tickets; a program may send
an access token as its first message. What is good for longer than a ticket does not belong into an address, which
proxies log.

Close codes: 4401, it is not known who calls (come again with a new ticket); 4403, not allowed (coming again is no use);
1013, tickets cannot be checked now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.types import Receive, Scope
from stock_kit.access import SCOPES, signing_key
from stock_kit.access import Scope as Right
from stock_kit.logging import get_logger
from stock_kit.settings import Settings
from stock_kit.tokens import AccessTokens, InvalidTokenError, ticket_key

log = get_logger(__name__)

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
UNAUTHENTICATED = 4401
FORBIDDEN = 4403

# Of the first message, when the address holds no ticket.
_PATIENCE_SECONDS = 5.0
# Redis is beside the service or it is down.
_REDIS_TIMEOUT = 0.5


class RefusedError(Exception):
    """Close the socket with this code; the text goes to the client as the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Gate(Protocol):
    lifetime: float | None
    """Seconds after which a socket has to come in again."""

    async def admit(self, scope: Scope, ticket: str | None, receive: Receive) -> None:
        """Raises :class:`RefusedError` for who may not come in."""
        ...


class OpenGate:
    """Access is off. Pages of other origins stay outside all the same: the browser that shows them may be on this
    machine, where they would read what only this machine may."""

    lifetime: float | None = None

    def __init__(self, origins: Sequence[str] = ()) -> None:
        self._origins = frozenset(origins)

    async def admit(self, scope: Scope, ticket: str | None, receive: Receive) -> None:  # noqa: ARG002
        check_origin(scope, self._origins)


class GuardedGate:
    """Access is on.

    Args:
        redeem: takes a ticket out of where it waits; the name of who asked for it, or None when there is no such one.
        tokens: verifies access tokens.
        origins: whose pages may come, beside our own.
        lifetime: how long a socket may stay before its owner's rights are looked at again.
    """

    def __init__(
        self,
        redeem: Callable[[str], Awaitable[str | None]],
        tokens: AccessTokens,
        origins: Sequence[str],
        lifetime: timedelta,
    ) -> None:
        self._redeem = redeem
        self._tokens = tokens
        self._origins = frozenset(origins)
        self.lifetime: float | None = lifetime.total_seconds()

    async def admit(self, scope: Scope, ticket: str | None, receive: Receive) -> None:
        check_origin(scope, self._origins)
        if ticket is None:
            await self._by_message(receive)
        elif "." in ticket:
            raise RefusedError(FORBIDDEN, "a token is no ticket, and does not belong into an address")
        elif await self._take(ticket) is None:
            raise RefusedError(UNAUTHENTICATED, "the ticket is unknown, used or too old; POST /api/auth/ws-ticket")

    async def _take(self, ticket: str) -> str | None:
        try:
            return await self._redeem(ticket)
        except RedisError as error:
            log.warning("ticket_not_checked", error=str(error))
            raise RefusedError(TRY_AGAIN_LATER, "tickets cannot be checked now") from error

    async def _by_message(self, receive: Receive) -> None:
        try:
            message = await asyncio.wait_for(receive(), _PATIENCE_SECONDS)
        except TimeoutError as error:
            expected = 'expected ?ticket= or {"token": "..."} as the first message'
            raise RefusedError(UNAUTHENTICATED, expected) from error
        try:
            values = orjson.loads(message.get("text") or "")
            claims = self._tokens.verify(values["token"])
        except (orjson.JSONDecodeError, KeyError, TypeError, InvalidTokenError) as error:
            raise RefusedError(UNAUTHENTICATED, 'expected a good {"token": "..."} as the first message') from error
        if Right.READ not in SCOPES[claims.role]:
            raise RefusedError(FORBIDDEN, "the token does not allow to read")


def check_origin(scope: Scope, allowed: frozenset[str]) -> None:
    """A page's origin is its own server's, as the browser tells, or one of those allowed. Programs tell none.

    Raises:
        RefusedError: it is a page of somewhere else.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"origin", b"host")}
    origin = headers.get(b"origin")
    if origin is None or origin in allowed:
        return
    if urlsplit(origin).netloc.lower() != headers.get(b"host", "").lower():
        raise RefusedError(FORBIDDEN, f"pages of {origin[:60]} may not open this socket")


def open_gate(settings: Settings) -> Gate:
    """The gate that the settings ask for; Redis is first called when a ticket comes."""
    access = settings.access
    if not access.enabled:
        return OpenGate(access.socket_origins)
    redis = Redis.from_url(
        settings.redis.url(settings.redis.cache_db),
        decode_responses=True,
        socket_timeout=_REDIS_TIMEOUT,
        socket_connect_timeout=_REDIS_TIMEOUT,
    )

    async def redeem(ticket: str) -> str | None:
        # One command, so that of two that come with the same ticket one gets in.
        name = await redis.getdel(ticket_key(ticket))
        return None if name is None else str(name)

    tokens = AccessTokens(signing_key(settings), access.token_lifetime)
    return GuardedGate(redeem, tokens, access.socket_origins, access.socket_lifetime)
