"""People's accounts and their refresh tokens, in model_meta_db.

A refresh token is good for one use and gives its successor. One that comes a second time was stolen, or its successor
was: the whole family, all that one log-in led to, is good for nothing from then on (RFC 9700, 4.14.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError
from stock_kit.access import Role

from stock_mlops.errors import ConflictError, NotFoundError

_COLUMNS = "id, name, password_hash, role, disabled, created_at, tokens_from"
# Any number that no other user of the database takes as an advisory lock.
_CHANGE_LOCK = 7_315_020_011


@dataclass(frozen=True, slots=True)
class Account:
    id: UUID
    name: str
    password_hash: str
    role: Role
    disabled: bool
    created_at: datetime
    tokens_from: float
    """Access tokens issued before (seconds since the epoch) are refused."""


class Accounts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, name: str, password_hash: str, role: Role) -> Account:
        """Raises :class:`ConflictError` when the name is taken; its case does not count."""
        try:
            with self._engine.begin() as tx:
                row = tx.execute(
                    text(f"""
                        INSERT INTO accounts (name, password_hash, role) VALUES (:name, :hash, :role)
                        RETURNING {_SELECTED}
                    """),  # noqa: S608  columns are constants
                    {"name": name, "hash": password_hash, "role": role},
                ).one()
        except IntegrityError as error:
            raise ConflictError(f"there is an account {name!r} already; choose another name") from error
        return _account(row)

    def create_first(self, name: str, password_hash: str) -> bool:
        """Make the administrator unless there is any account; tells whether it was made here, by this process."""
        with self._engine.begin() as tx:
            tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHANGE_LOCK})
            made = tx.execute(
                text("""
                    INSERT INTO accounts (name, password_hash, role)
                    SELECT :name, :hash, :role WHERE NOT EXISTS (SELECT FROM accounts) RETURNING id
                """),
                {"name": name, "hash": password_hash, "role": Role.OPERATOR},
            ).first()
        return made is not None

    def exist(self) -> bool:
        with self._engine.begin() as tx:
            return bool(tx.execute(text("SELECT EXISTS (SELECT FROM accounts)")).scalar())

    def by_name(self, name: str) -> Account | None:
        return self._one("lower(name) = lower(:value)", name)

    def by_id(self, account_id: UUID) -> Account | None:
        return self._one("id = :value", str(account_id))

    def all(self) -> list[Account]:
        with self._engine.begin() as tx:
            rows = tx.execute(text(f"SELECT {_SELECTED} FROM accounts ORDER BY lower(name)")).all()  # noqa: S608
        return [_account(row) for row in rows]

    def change(
        self,
        account_id: UUID,
        *,
        password_hash: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> Account:
        """Change what is given, and end everything that was logged in with what was before.

        Raises:
            NotFoundError: there is no such account.
            ConflictError: nobody could administer the platform any more.
        """
        with self._engine.begin() as tx:
            # One change at a time: two operators that disable each other would both find the other one left.
            tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHANGE_LOCK})
            row = tx.execute(
                text(f"""
                    UPDATE accounts SET
                        password_hash = coalesce(:hash, password_hash),
                        role = coalesce(:role, role),
                        disabled = coalesce(CAST(:disabled AS boolean), disabled),
                        tokens_from = clock_timestamp()
                    WHERE id = :id RETURNING {_SELECTED}
                """),  # noqa: S608  columns are constants
                {"hash": password_hash, "role": role, "disabled": disabled, "id": str(account_id)},
            ).first()
            if row is None:
                raise NotFoundError(f"there is no account {account_id}; GET /api/accounts lists what there is")
            _keep_an_operator(tx)
            tx.execute(text("DELETE FROM refresh_tokens WHERE account_id = :id"), {"id": str(account_id)})
        return _account(row)

    def rehash(self, account_id: UUID, password_hash: str) -> None:
        """The same password hashed anew; nobody is logged out."""
        with self._engine.begin() as tx:
            tx.execute(
                text("UPDATE accounts SET password_hash = :hash WHERE id = :id"),
                {"hash": password_hash, "id": str(account_id)},
            )

    def _one(self, where: str, value: str) -> Account | None:
        with self._engine.begin() as tx:
            row = tx.execute(
                text(f"SELECT {_SELECTED} FROM accounts WHERE {where}"),  # noqa: S608  conditions are constants
                {"value": value},
            ).first()
        return None if row is None else _account(row)


class RefreshTokens:
    """Knows hashes only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, account_id: UUID, token_hash: str, lifetime: timedelta) -> None:
        """The first token of a log-in."""
        with self._engine.begin() as tx:
            tx.execute(text("DELETE FROM refresh_tokens WHERE expires_at < clock_timestamp()"))
            _insert(tx, uuid4(), account_id, token_hash, lifetime)

    def rotate(self, token_hash: str, successor_hash: str, lifetime: timedelta) -> UUID | None:
        """Use a token and put its successor in its place; the account, or None when the token is good for nothing.

        A token that was used before takes its whole family with it.
        """
        with self._engine.begin() as tx:
            row = tx.execute(
                text("""
                    SELECT family, account_id, used_at, expires_at < clock_timestamp() AS expired
                    FROM refresh_tokens WHERE token_hash = :hash FOR UPDATE
                """),
                {"hash": token_hash},
            ).first()
            if row is None or row.expired:
                return None
            if row.used_at is not None:
                tx.execute(text("DELETE FROM refresh_tokens WHERE family = :family"), {"family": str(row.family)})
                return None
            tx.execute(
                text("UPDATE refresh_tokens SET used_at = clock_timestamp() WHERE token_hash = :hash"),
                {"hash": token_hash},
            )
            account_id = UUID(str(row.account_id))
            _insert(tx, UUID(str(row.family)), account_id, successor_hash, lifetime)
        return account_id

    def end(self, token_hash: str) -> None:
        """Log out: the token's whole family."""
        with self._engine.begin() as tx:
            tx.execute(
                text("""
                    DELETE FROM refresh_tokens WHERE family IN
                        (SELECT family FROM refresh_tokens WHERE token_hash = :hash)
                """),
                {"hash": token_hash},
            )


_SELECTED = _COLUMNS.replace("tokens_from", "extract(epoch FROM tokens_from)::double precision AS tokens_from")


def _insert(tx: Connection, family: UUID, account_id: UUID, token_hash: str, lifetime: timedelta) -> None:
    tx.execute(
        text("""
            INSERT INTO refresh_tokens (token_hash, family, account_id, expires_at)
            VALUES (:hash, :family, :account, clock_timestamp() + make_interval(secs => :seconds))
        """),
        {
            "hash": token_hash,
            "family": str(family),
            "account": str(account_id),
            "seconds": lifetime.total_seconds(),
        },
    )


def _keep_an_operator(tx: Connection) -> None:
    left = tx.execute(
        text("SELECT count(*) FROM accounts WHERE role = :role AND NOT disabled"), {"role": Role.OPERATOR}
    ).scalar()
    if not left:
        raise ConflictError("this is the last operator; make another account an operator first")


def _account(row: object) -> Account:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return Account(**{**values, "id": UUID(str(values["id"])), "role": Role(values["role"])})
