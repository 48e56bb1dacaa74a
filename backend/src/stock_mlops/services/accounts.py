"""Logging in and out, and what operators do with accounts."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from redis.exceptions import RedisError
from stock_kit.access import Role
from stock_kit.logging import get_logger
from stock_kit.service_settings import AccessSettings
from stock_kit.tokens import AccessTokens, digest

from stock_mlops.errors import ConflictError, NotFoundError, TooManyRequestsError, UnauthenticatedError
from stock_mlops.services.access_metrics import LOGINS
from stock_mlops.services.passwords import check_password, hash_password, is_outdated, verify_password
from stock_mlops.stores.accounts import Account
from stock_mlops.stores.throttles import LoginThrottle, MemoryLoginThrottle

log = get_logger(__name__)

_RETRY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Session:
    """What a log-in gives; both tokens are secrets."""

    account: Account
    access_token: str
    expires_in: int
    refresh_token: str


class AccountStore(Protocol):
    """See :class:`stock_mlops.stores.accounts.Accounts`."""

    def create(self, name: str, password_hash: str, role: Role) -> Account: ...

    def create_first(self, name: str, password_hash: str) -> bool: ...

    def exist(self) -> bool: ...

    def by_name(self, name: str) -> Account | None: ...

    def by_id(self, account_id: UUID) -> Account | None: ...

    def all(self) -> list[Account]: ...

    def change(
        self,
        account_id: UUID,
        *,
        password_hash: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> Account: ...

    def rehash(self, account_id: UUID, password_hash: str) -> None: ...


class RefreshTokenStore(Protocol):
    """See :class:`stock_mlops.stores.accounts.RefreshTokens`."""

    def begin(self, account_id: UUID, token_hash: str, lifetime: timedelta) -> None: ...

    def rotate(self, token_hash: str, successor_hash: str, lifetime: timedelta) -> UUID | None: ...

    def end(self, token_hash: str) -> None: ...


class SessionDesk:
    """Log in, come back, log out."""

    def __init__(
        self,
        accounts: AccountStore,
        refresh_tokens: RefreshTokenStore,
        tokens: AccessTokens,
        throttle: LoginThrottle,
        settings: AccessSettings,
    ) -> None:
        self._accounts = accounts
        self._refresh_tokens = refresh_tokens
        self._tokens = tokens
        self._throttle = throttle
        self._fallback = MemoryLoginThrottle(settings.login_attempts, settings.login_window)
        self._settings = settings

    def login(self, name: str, password: str, address: str) -> Session:
        """Begin a session.

        Raises:
            UnauthenticatedError: name and password do not belong together; which of them is wrong is not told.
            TooManyRequestsError: too many tries failed.
        """
        wait = self._attempt(name, address)
        if wait > 0:
            LOGINS.labels("login", "throttled").inc()
            raise TooManyRequestsError(f"too many log-ins failed; try again in {wait:.0f} seconds", wait)
        account = self._accounts.by_name(name)
        right = verify_password(None if account is None else account.password_hash, password)
        if account is None or not right or account.disabled:
            LOGINS.labels("login", "refused").inc()
            raise UnauthenticatedError("expected the name and the password of an account that is not disabled")
        self._succeeded(name, address)
        if is_outdated(account.password_hash):
            self._accounts.rehash(account.id, hash_password(password))
        LOGINS.labels("login", "accepted").inc()
        refresh = secrets.token_urlsafe(32)
        self._refresh_tokens.begin(account.id, digest(refresh), self._settings.refresh_lifetime)
        return self._session(account, refresh)

    def refresh(self, refresh_token: str) -> Session:
        """Go on with a session: the token is used up, and a new one given.

        Raises:
            UnauthenticatedError: the token is unknown, expired or was used before, which ends the whole session.
        """
        successor = secrets.token_urlsafe(32)
        lifetime = self._settings.refresh_lifetime
        account_id = self._refresh_tokens.rotate(digest(refresh_token), digest(successor), lifetime)
        account = None if account_id is None else self._accounts.by_id(account_id)
        if account is None or account.disabled:
            LOGINS.labels("refresh", "refused").inc()
            raise UnauthenticatedError("the session has ended; log in again at POST /api/auth/login")
        LOGINS.labels("refresh", "accepted").inc()
        return self._session(account, successor)

    def logout(self, refresh_token: str) -> None:
        """End a session; one that is over already stays so."""
        self._refresh_tokens.end(digest(refresh_token))

    def _session(self, account: Account, refresh_token: str) -> Session:
        token = self._tokens.issue(str(account.id), account.name, account.role)
        return Session(account, token, self._tokens.lifetime_seconds, refresh_token)

    def _attempt(self, name: str, address: str) -> float:
        # Always counted here as well, so that there is something to go by when Redis goes away.
        here = self._fallback.attempt(name, address)
        try:
            return self._throttle.attempt(name, address)
        except RedisError as error:
            log.warning("logins_counted_here_only", error=str(error))
            return here

    def _succeeded(self, name: str, address: str) -> None:
        self._fallback.succeeded(name, address)
        try:
            self._throttle.succeeded(name, address)
        except RedisError as error:
            log.warning("logins_counted_here_only", error=str(error))


class NoSessions:
    """Access is off: there is nothing to log in to."""

    def login(self, name: str, password: str, address: str) -> Session:  # noqa: ARG002
        raise self._refusal()

    def refresh(self, refresh_token: str) -> Session:  # noqa: ARG002
        raise self._refusal()

    def logout(self, refresh_token: str) -> None:
        """There is no session to end."""

    def _refusal(self) -> ConflictError:
        return ConflictError("access is off, so everybody is an operator; STOCK_ACCESS__ENABLED=true switches it on")


class AccountDesk:
    """What operators do with accounts."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts

    def all(self) -> list[Account]:
        return self._accounts.all()

    def find(self, name: str) -> Account:
        account = self._accounts.by_name(name)
        if account is None:
            raise NotFoundError(f"there is no account {name!r}; stock-mlops users list shows what there is")
        return account

    def create(self, name: str, password: str, role: Role) -> Account:
        """Raises InvalidRequestError for a weak password, ConflictError for a name that is taken."""
        check_password(password, name)
        return self._accounts.create(name, hash_password(password), role)

    def change(
        self, account_id: UUID, *, password: str | None = None, role: Role | None = None, disabled: bool | None = None
    ) -> Account:
        """Change what is given; the account's sessions end.

        Raises:
            NotFoundError, ConflictError: see :meth:`stock_mlops.stores.accounts.Accounts.change`.
            InvalidRequestError: the password is a weak one.
        """
        hashed = None
        if password is not None:
            account = self._accounts.by_id(account_id)
            if account is None:
                raise NotFoundError(f"there is no account {account_id}; GET /api/accounts lists what there is")
            check_password(password, account.name)
            hashed = hash_password(password)
        return self._accounts.change(account_id, password_hash=hashed, role=role, disabled=disabled)


def create_administrator(accounts: AccountStore, name: str, password: str, show: Callable[[str], None]) -> bool:
    """Make the first account when there is none yet; a password that had to be made up is shown this once."""
    if accounts.exist():
        return False
    chosen = password or secrets.token_urlsafe(12)
    if not accounts.create_first(name, hash_password(chosen)):
        return False
    log.info("administrator_created", account=name)
    if not password:
        show(f"The administrator's account is {name!r}, its password {chosen!r}. This is shown only now: change it.")
    return True


class FirstStart:
    """Does at the start what needs the database, in the background, for as long as it takes to be there."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="first-start", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except Exception as error:  # noqa: BLE001  the server or its schema may not be there yet
                log.info("first_start_waits", error=str(error).splitlines()[0] if str(error) else repr(error))
                self._stop.wait(_RETRY_SECONDS)
            else:
                return
