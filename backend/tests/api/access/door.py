"""Everything that decides who comes in, in memory."""

from __future__ import annotations

from typing import Any

from stock_kit.access import Role, Scope
from stock_kit.service_settings import AccessSettings
from stock_kit.tokens import AccessTokens
from stock_mlops.services.accounts import AccountDesk, SessionDesk
from stock_mlops.services.callers import Callers
from stock_mlops.services.guard import AccessGuard, CallLimiter
from stock_mlops.stores.access_twins import (
    MemoryAccounts,
    MemoryApiKeys,
    MemoryAuditLog,
    MemoryCallBudget,
    MemoryRefreshTokens,
)
from stock_mlops.stores.throttles import MemoryLoginThrottle

KEY, PLATFORM_KEY = "k" * 40, "p" * 40
PASSWORD = "correct horse battery"


class Door:
    """Everything that decides who comes in, in memory."""

    def __init__(self, settings: AccessSettings) -> None:
        self.tokens = AccessTokens(KEY, settings.token_lifetime)
        self.accounts = MemoryAccounts()
        self.api_keys = MemoryApiKeys(self.accounts)
        self.audit = MemoryAuditLog()
        self.budget = MemoryCallBudget()
        self.sessions = SessionDesk(
            self.accounts,
            MemoryRefreshTokens(),
            self.tokens,
            MemoryLoginThrottle(settings.login_attempts, settings.login_window),
            settings,
        )
        self.lookup_error: Exception | None = None
        self.callers = Callers(self.tokens, PLATFORM_KEY, self._account, self.api_keys.find)
        self.guard = AccessGuard(self.callers, CallLimiter(self.budget, settings))
        desk = AccountDesk(self.accounts)
        self.operator = desk.create("olga", PASSWORD, Role.OPERATOR)
        self.viewer = desk.create("vic", PASSWORD, Role.VIEWER)

    def _account(self, account_id: Any) -> Any:
        if self.lookup_error is not None:
            raise self.lookup_error
        return self.accounts.by_id(account_id)

    def token(self, who: str) -> dict[str, str]:
        account = self.operator if who == "operator" else self.viewer
        return {"Authorization": f"Bearer {self.tokens.issue(str(account.id), account.name, account.role)}"}

    def key(self, *scopes: Scope) -> dict[str, str]:
        return {"X-API-Key": self.api_keys.create(self.operator.id, "test", scopes)[1]}
