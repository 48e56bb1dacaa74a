"""What both backends share about who calls, and what backend1 has besides: sessions, accounts, keys."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from sqlalchemy import Engine
from stock_kit.access import Role, Scope, access_secrets
from stock_kit.settings import Settings
from stock_kit.tokens import AccessTokens
from stock_mlops.services.accounts import (
    AccountDesk,
    FirstStart,
    NoSessions,
    Session,
    SessionDesk,
    create_administrator,
)
from stock_mlops.services.callers import Callers
from stock_mlops.services.guard import AccessGuard, CallLimiter, Guard, OpenGuard
from stock_mlops.stores.accounts import Account, Accounts, RefreshTokens
from stock_mlops.stores.api_keys import ApiKey, ApiKeys
from stock_mlops.stores.audit import AuditedCall, AuditLog, Call
from stock_mlops.stores.throttles import RedisCallBudget, RedisLoginThrottle
from stock_mlops.stores.tickets import Tickets

# Redis is beside the service or it is down.
_REDIS_TIMEOUT = 0.5


class AuditTrail(Protocol):
    def write(self, call: Call) -> None: ...

    def page(self, limit: int, *, before: int | None = None, actor: str | None = None) -> Sequence[AuditedCall]: ...


class Sessions(Protocol):
    def login(self, name: str, password: str, address: str) -> Session: ...

    def refresh(self, refresh_token: str) -> Session: ...

    def logout(self, refresh_token: str) -> None: ...


class AccountOffice(Protocol):
    def all(self) -> Sequence[Account]: ...

    def create(self, name: str, password: str, role: Role) -> Account: ...

    def change(
        self, account_id: UUID, *, password: str | None = None, role: Role | None = None, disabled: bool | None = None
    ) -> Account: ...


class KeyOffice(Protocol):
    def all(self) -> Sequence[ApiKey]: ...

    def create(self, account_id: UUID, name: str, scopes: Iterable[Scope]) -> tuple[ApiKey, str]: ...

    def revoke(self, key_id: UUID) -> None: ...


class TicketOffice(Protocol):
    def issue(self, name: str) -> str: ...


@dataclass(slots=True)
class Access:
    """Of every backend."""

    guard: Guard
    audit: AuditTrail


@dataclass(slots=True)
class TrainAccess(Access):
    """Of backend1."""

    sessions: Sessions
    accounts: AccountOffice
    api_keys: KeyOffice
    tickets: TicketOffice


def open_access(settings: Settings, meta: Engine, redis: AsyncRedis) -> Access:
    """``redis`` is the cache database's; the caller closes it."""
    return Access(guard=_open_guard(settings, meta, redis), audit=AuditLog(meta))


def open_train_access(settings: Settings, meta: Engine, redis: AsyncRedis, stack: ExitStack) -> TrainAccess:
    """The same, and what gives access; sees to it that there is an administrator."""
    shared = open_access(settings, meta, redis)
    accounts, audit = Accounts(meta), AuditLog(meta)
    waiting = Redis.from_url(
        settings.redis.url(settings.redis.cache_db),
        socket_timeout=_REDIS_TIMEOUT,
        socket_connect_timeout=_REDIS_TIMEOUT,
    )
    stack.callback(waiting.close)
    access = settings.access

    def begin() -> None:
        audit.prune(access.audit_retention)
        if access.enabled:
            create_administrator(accounts, access.admin_name, access_secrets(settings).admin_password, _show_once)

    first = FirstStart(begin)
    first.start()
    stack.callback(first.close)
    throttle = RedisLoginThrottle(waiting, access.login_attempts, access.login_window)
    return TrainAccess(
        guard=shared.guard,
        audit=shared.audit,
        sessions=(
            SessionDesk(accounts, RefreshTokens(meta), _tokens(settings), throttle, access)
            if access.enabled
            else NoSessions()
        ),
        accounts=AccountDesk(accounts),
        api_keys=ApiKeys(meta),
        tickets=Tickets(waiting, access.ticket_lifetime),
    )


def _open_guard(settings: Settings, meta: Engine, redis: AsyncRedis) -> Guard:
    if not settings.access.enabled:
        return OpenGuard()
    platform_key = access_secrets(settings).api_key
    callers = Callers(_tokens(settings), platform_key, Accounts(meta).by_id, ApiKeys(meta).find)
    return AccessGuard(callers, CallLimiter(RedisCallBudget(redis), settings.access))


def _tokens(settings: Settings) -> AccessTokens:
    return AccessTokens(access_secrets(settings).signing_key, settings.access.token_lifetime)


def _show_once(message: str) -> None:
    # Not through the log, whose lines are collected and kept; this is for whoever starts the service.
    sys.stderr.write(message + "\n")
    sys.stderr.flush()
