"""Watchlists: named lists of instruments, each of one owner, in model_meta_db."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, Row, text
from sqlalchemy.exc import IntegrityError

from stock_mlops.errors import ConflictError
from stock_mlops.instruments import Instrument

_COLUMNS = "id, owner, name, instruments, created_at, updated_at"


class WatchlistNameTakenError(ConflictError):
    code = "watchlist_name_taken"
    title = "There is a watchlist of that name"

    def __init__(self, name: str) -> None:
        super().__init__(f"expected a name that no other watchlist of yours has, got {name!r}")


@dataclass(frozen=True, slots=True)
class Watchlist:
    id: UUID
    owner: str
    name: str
    instruments: tuple[Instrument, ...]
    """In the owner's order."""
    created_at: datetime
    updated_at: datetime


def _watchlist(row: Row[Any]) -> Watchlist:
    pairs = (key.partition(":") for key in row.instruments)
    return Watchlist(
        UUID(str(row.id)),
        row.owner,
        row.name,
        tuple(Instrument(exchange, ticker) for exchange, _, ticker in pairs),
        row.created_at,
        row.updated_at,
    )


class Watchlists:
    """Every method is one transaction and sees the lists of one owner only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, owner: str) -> list[Watchlist]:
        """By name."""
        return self._read("SELECT {columns} FROM watchlists WHERE owner = :owner ORDER BY name", {"owner": owner})

    def get(self, owner: str, watchlist_id: UUID) -> Watchlist | None:
        values = {"owner": owner, "id": str(watchlist_id)}
        found = self._read("SELECT {columns} FROM watchlists WHERE owner = :owner AND id = :id", values)
        return found[0] if found else None

    def create(self, owner: str, name: str, instruments: Sequence[Instrument]) -> Watchlist:
        """Raises :class:`WatchlistNameTakenError`."""
        values = {
            "id": str(uuid4()),
            "owner": owner,
            "name": name,
            "instruments": [instrument.key for instrument in instruments],
        }
        return self._write(
            name,
            "INSERT INTO watchlists (id, owner, name, instruments)"
            " VALUES (:id, :owner, :name, CAST(:instruments AS text[])) RETURNING {columns}",
            values,
        )[0]

    def replace(self, owner: str, watchlist_id: UUID, name: str, instruments: Sequence[Instrument]) -> Watchlist | None:
        """None when the owner has no such list; raises :class:`WatchlistNameTakenError`."""
        values = {
            "id": str(watchlist_id),
            "owner": owner,
            "name": name,
            "instruments": [instrument.key for instrument in instruments],
        }
        changed = self._write(
            name,
            "UPDATE watchlists SET name = :name, instruments = CAST(:instruments AS text[]), updated_at = now()"
            " WHERE owner = :owner AND id = :id RETURNING {columns}",
            values,
        )
        return changed[0] if changed else None

    def delete(self, owner: str, watchlist_id: UUID) -> bool:
        """False when the owner has no such list."""
        values = {"owner": owner, "id": str(watchlist_id)}
        return bool(self._read("DELETE FROM watchlists WHERE owner = :owner AND id = :id RETURNING {columns}", values))

    def _write(self, name: str, statement: str, values: Mapping[str, object]) -> list[Watchlist]:
        try:
            return self._read(statement, values)
        except IntegrityError as error:
            raise WatchlistNameTakenError(name) from error

    def _read(self, statement: str, values: Mapping[str, object]) -> list[Watchlist]:
        with self._engine.begin() as tx:
            rows = tx.execute(text(statement.format(columns=_COLUMNS)), values).all()
        return [_watchlist(row) for row in rows]
