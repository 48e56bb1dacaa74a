"""API keys in model_meta_db: only the SHA-256 of a key is kept, and the prefix by which it is found.

A key is 256 random bits, so no slow hash is needed: there is nothing to guess.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, text
from stock_kit.access import SCOPES, Role, Scope
from stock_kit.tokens import digest

from stock_mlops.errors import NotFoundError

# Of the kind and of the key: secret scanners and people see what it is, and lists can name it.
_KIND = "smk"
_PREFIX_BYTES = 6


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: UUID
    account_id: UUID
    account: str
    """The account's name; the key can never do more than the account."""
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def limited_to(self, scopes: frozenset[Scope]) -> ApiKey:
        return replace(self, scopes=self.scopes & scopes)

    def revoked(self, at: datetime) -> ApiKey:
        return replace(self, revoked_at=at)


def new_key() -> tuple[str, str]:
    """The prefix of a new key, and the key."""
    prefix = f"{_KIND}_{secrets.token_hex(_PREFIX_BYTES)}"
    return prefix, f"{prefix}_{secrets.token_urlsafe(32)}"


def prefix_of(key: str) -> str | None:
    """The part of a key that is no secret; None when it does not look like a key of ours."""
    kind, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    return f"{kind}_{prefix}" if kind == _KIND and len(prefix) == 2 * _PREFIX_BYTES and secret else None


class ApiKeys:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, account_id: UUID, name: str, scopes: Iterable[Scope]) -> tuple[ApiKey, str]:
        """A new key, and the key itself, which nobody can show again."""
        prefix, key = new_key()
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    INSERT INTO api_keys (account_id, name, prefix, key_hash, scopes)
                    VALUES (:account, :name, :prefix, :hash, :scopes)
                """),
                {
                    "account": str(account_id),
                    "name": name,
                    "prefix": prefix,
                    "hash": digest(key),
                    "scopes": sorted(scopes),
                },
            )
        (made,) = [item for item in self.all() if item.prefix == prefix]
        return made, key

    def find(self, key: str) -> ApiKey | None:
        """The key as it stands now, when it may be used; its scopes are cut to what its account may do.

        Its use is noted, once a minute at most.
        """
        prefix = prefix_of(key)
        if prefix is None:
            return None
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"""
                    SELECT {_COLUMNS}, k.key_hash, a.role FROM api_keys k JOIN accounts a ON a.id = k.account_id
                    WHERE k.prefix = :prefix AND k.revoked_at IS NULL AND NOT a.disabled
                """),  # noqa: S608  columns are constants
                {"prefix": prefix},
            ).first()
            if row is None or not hmac.compare_digest(row.key_hash, digest(key)):
                return None
            tx.execute(
                text("""
                    UPDATE api_keys SET last_used_at = clock_timestamp() WHERE id = :id
                    AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
                """),
                {"id": row.id},
            )
            found = _key(row)
        return found.limited_to(SCOPES[Role(row.role)])

    def all(self) -> list[ApiKey]:
        """Newest first, the revoked ones too."""
        with self._engine.begin() as tx:
            rows = tx.execute(
                text(f"""
                    SELECT {_COLUMNS} FROM api_keys k JOIN accounts a ON a.id = k.account_id
                    ORDER BY k.created_at DESC, k.id
                """)  # noqa: S608  columns are constants
            ).all()
        return [_key(row) for row in rows]

    def revoke(self, key_id: UUID) -> None:
        """Raises :class:`NotFoundError` when there is no such key; revoking twice changes nothing."""
        with self._engine.begin() as tx:
            row = tx.execute(
                text("UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = :id"
                     " RETURNING id"),
                {"id": str(key_id)},
            ).first()  # fmt: skip
        if row is None:
            raise NotFoundError(f"there is no API key {key_id}; GET /api/api-keys lists what there is")


_COLUMNS = (
    "k.id, k.account_id, a.name AS account, k.name, k.prefix, k.scopes, k.created_at, k.last_used_at, k.revoked_at"
)


def _key(row: object) -> ApiKey:
    values = {name: getattr(row, name) for name in ApiKey.__slots__}
    return ApiKey(
        **{
            **values,
            "id": UUID(str(values["id"])),
            "account_id": UUID(str(values["account_id"])),
            "scopes": frozenset(Scope(scope) for scope in values["scopes"]),
        }
    )
