"""Accounts, sessions, keys and the audit log in memory, by the same rules; and a budget of calls that can be down."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid4

from stock_kit.access import SCOPES, Role, Scope
from stock_kit.clock import wall_now, wall_seconds
from stock_kit.tokens import digest

from stock_mlops.errors import ConflictError, NotFoundError
from stock_mlops.stores.accounts import Account
from stock_mlops.stores.api_keys import ApiKey, new_key
from stock_mlops.stores.audit import AuditedCall, Call


class MemoryAccounts:
    def __init__(self) -> None:
        self.rows: dict[UUID, Account] = {}

    def create(self, name: str, password_hash: str, role: Role) -> Account:
        if self.by_name(name):
            raise ConflictError(f"there is an account {name!r} already; choose another name")
        account = Account(uuid4(), name, password_hash, role, False, wall_now(), float("-inf"))
        self.rows[account.id] = account
        return account

    def create_first(self, name: str, password_hash: str) -> bool:
        if self.rows:
            return False
        self.create(name, password_hash, Role.OPERATOR)
        return True

    def exist(self) -> bool:
        return bool(self.rows)

    def by_name(self, name: str) -> Account | None:
        return next((row for row in self.rows.values() if row.name.lower() == name.lower()), None)

    def by_id(self, account_id: UUID) -> Account | None:
        return self.rows.get(account_id)

    def all(self) -> list[Account]:
        return sorted(self.rows.values(), key=lambda row: row.name.lower())

    def change(
        self,
        account_id: UUID,
        *,
        password_hash: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> Account:
        known = self.rows.get(account_id)
        if known is None:
            raise NotFoundError(f"there is no account {account_id}; GET /api/accounts lists what there is")
        changed = Account(
            known.id,
            known.name,
            password_hash or known.password_hash,
            role or known.role,
            known.disabled if disabled is None else disabled,
            known.created_at,
            wall_seconds(),
        )
        others = [row for row in self.rows.values() if row.id != account_id]
        if not any(row.role is Role.OPERATOR and not row.disabled for row in [*others, changed]):
            raise ConflictError("this is the last operator; make another account an operator first")
        self.rows[account_id] = changed
        return changed

    def rehash(self, account_id: UUID, password_hash: str) -> None:
        known = self.rows[account_id]
        self.rows[account_id] = Account(
            known.id, known.name, password_hash, known.role, known.disabled, known.created_at, known.tokens_from
        )


class MemoryRefreshTokens:
    def __init__(self) -> None:
        self.rows: dict[str, tuple[UUID, UUID, float]] = {}
        """By hash: family, account, and the seconds since the epoch at which it expires."""
        self.used: set[str] = set()

    def begin(self, account_id: UUID, token_hash: str, lifetime: timedelta) -> None:
        self.rows[token_hash] = (uuid4(), account_id, wall_seconds() + lifetime.total_seconds())

    def rotate(self, token_hash: str, successor_hash: str, lifetime: timedelta) -> UUID | None:
        if token_hash not in self.rows or self.rows[token_hash][2] < wall_seconds():
            return None
        if token_hash in self.used:
            self.end(token_hash)
            return None
        family, account_id, _ = self.rows[token_hash]
        self.used.add(token_hash)
        self.rows[successor_hash] = (family, account_id, wall_seconds() + lifetime.total_seconds())
        return account_id

    def end(self, token_hash: str) -> None:
        if token_hash in self.rows:
            family = self.rows[token_hash][0]
            self.rows = {key: row for key, row in self.rows.items() if row[0] != family}


class MemoryApiKeys:
    def __init__(self, accounts: MemoryAccounts) -> None:
        self._accounts = accounts
        self.rows: dict[UUID, tuple[ApiKey, str]] = {}

    def create(self, account_id: UUID, name: str, scopes: Iterable[Scope]) -> tuple[ApiKey, str]:
        prefix, key = new_key()
        account = self._accounts.rows[account_id].name
        made = ApiKey(uuid4(), account_id, account, name, prefix, frozenset(scopes), wall_now(), None, None)
        self.rows[made.id] = (made, digest(key))
        return made, key

    def find(self, key: str) -> ApiKey | None:
        found = next((row for row, hashed in self.rows.values() if hashed == digest(key)), None)
        if found is None or found.revoked_at is not None:
            return None
        account = self._accounts.rows[found.account_id]
        return None if account.disabled else found.limited_to(SCOPES[account.role])

    def all(self) -> list[ApiKey]:
        return [row for row, _ in self.rows.values()]

    def revoke(self, key_id: UUID) -> None:
        if key_id not in self.rows:
            raise NotFoundError(f"there is no API key {key_id}; GET /api/api-keys lists what there is")
        known, hashed = self.rows[key_id]
        self.rows[key_id] = (known.revoked(wall_now()), hashed)


class MemoryAuditLog:
    """``error``, when set, plays a database that is down."""

    def __init__(self) -> None:
        self.calls: list[AuditedCall] = []
        self.error: Exception | None = None

    def write(self, call: Call) -> None:
        if self.error is not None:
            raise self.error
        values = {name: getattr(call, name) for name in Call.__slots__}
        self.calls.append(AuditedCall(**values, id=len(self.calls) + 1, at=wall_now()))

    def page(self, limit: int, *, before: int | None = None, actor: str | None = None) -> list[AuditedCall]:
        wanted = [
            call
            for call in reversed(self.calls)
            if (before is None or call.id < before) and (actor is None or call.actor == actor)
        ]
        return wanted[:limit]


class MemoryCallBudget:
    """So many calls per caller, and never any more; ``error`` plays a Redis that is down."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = {}
        self.error: Exception | None = None

    async def take(self, caller: str, per_minute: int, wanted: int) -> tuple[int, float]:
        if self.error is not None:
            raise self.error
        granted = min(wanted, per_minute - self.spent.get(caller, 0))
        self.spent[caller] = self.spent.get(caller, 0) + granted
        return granted, 0.0 if granted else 60 / per_minute


class MemoryTickets:
    def __init__(self) -> None:
        self.issued: list[str] = []

    def issue(self, name: str) -> str:
        self.issued.append(name)
        return f"ticket-{len(self.issued)}"
