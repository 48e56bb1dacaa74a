"""State that all services share, for the gauges that tell of it: one cheap query each over model_meta_db and raw_db."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine, text

from stock_mlops.stores.jobs import JobKind, JobState
from stock_mlops.stores.promotions import CHAMPION

# Of an ETL run: ``running``, ``completed``, ``failed``.
_ENDED = ("completed", "failed")


@dataclass(frozen=True, slots=True)
class JobGroup:
    """The jobs of one kind in one state, as far as their rows are kept."""

    kind: JobKind
    state: JobState
    count: int
    oldest_seconds: float
    """Since the first of them was queued (pending), by the database's clock."""


@dataclass(frozen=True, slots=True)
class ServingVersion:
    """A champion."""

    registered_name: str
    version: int
    exchange: str
    tickers: tuple[str, ...]
    """Of all instruments that it was trained for."""
    trained_until: date
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EtlEnd:
    """The newest end of a source's runs in one state."""

    source: str
    state: str
    at: datetime


class PlatformState:
    """Raises what SQLAlchemy raises when a database does not answer."""

    def __init__(self, meta: Engine, raw: Engine) -> None:
        self._meta = meta
        self._raw = raw

    def jobs(self) -> list[JobGroup]:
        with self._meta.connect() as connection:
            rows = connection.execute(
                text("""
                    SELECT kind, state, count(*), extract(epoch FROM now() - min(queued_at))
                    FROM jobs GROUP BY kind, state
                """)
            ).all()
        return [
            JobGroup(JobKind(kind), JobState(state), int(count), float(seconds)) for kind, state, count, seconds in rows
        ]

    def serving(self) -> list[ServingVersion]:
        with self._meta.connect() as connection:
            rows = connection.execute(
                text("""
                    SELECT v.registered_name, v.version, d.exchange,
                        CASE WHEN d.ticker IS NULL THEN d.spec -> 'tickers' ELSE jsonb_build_array(d.ticker) END,
                        v.trained_until, v.created_at
                    FROM model_versions v JOIN model_definitions d ON d.id = v.model_id
                    WHERE v.alias = :alias AND v.deleted_at IS NULL
                """),
                {"alias": CHAMPION},
            ).all()
        return [
            ServingVersion(name, version, exchange, tuple(tickers), until, at)
            for name, version, exchange, tickers, until, at in rows
        ]

    def etl_ends(self) -> list[EtlEnd]:
        with self._raw.connect() as connection:
            rows = connection.execute(
                text("""
                    SELECT source, state, max(finished_at) FROM etl_runs
                    WHERE state = ANY(:ended) AND finished_at IS NOT NULL GROUP BY source, state
                """),
                {"ended": list(_ENDED)},
            ).all()
        return [EtlEnd(*row) for row in rows]
