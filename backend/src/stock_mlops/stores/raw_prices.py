"""Raw prices in PostgreSQL, with the history of every correction, so that a read can be repeated as of any moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl
from sqlalchemy import Connection, Engine, text

from stock_mlops.errors import ConflictError
from stock_mlops.instruments import Instrument
from stock_mlops.prices.schema import KEYS, RAW_SCHEMA
from stock_mlops.stores.copying import copy_in, copy_out

Timeline = Literal["live", "replay"]

STORED_SCHEMA: dict[str, pl.DataType] = {**RAW_SCHEMA, "ingested_at": pl.Datetime("us", "UTC")}
_COLUMNS = ", ".join(STORED_SCHEMA)

# What makes a row another row. adj_close is left out: sources rewrite it for all the past at each dividend.
_VALUES = ("open", "high", "low", "close", "volume", "dividend", "split")


def _differs(ours: str, theirs: str) -> str:
    left, right = (", ".join(f"{table}.{name}" for name in _VALUES) for table in (ours, theirs))
    return f"({left}) IS DISTINCT FROM ({right})"


_REGISTER = text("""
    INSERT INTO instruments AS known (exchange, ticker, name, source, timeline)
    SELECT exchange, ticker, name, :source, :timeline
    FROM unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[]), CAST(:names AS text[]))
        AS wanted (exchange, ticker, name)
    ORDER BY exchange, ticker
    ON CONFLICT (exchange, ticker) DO UPDATE
        SET name = coalesce(nullif(excluded.name, ''), known.name),
            source = excluded.source, timeline = excluded.timeline, updated_at = now()
""")
_TIMELINES = text("""
    SELECT exchange, ticker, timeline FROM instruments
    WHERE (exchange, ticker) IN (SELECT * FROM unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[])))
    ORDER BY exchange, ticker FOR UPDATE
""")
_SUPERSEDE_ALL = text(f"""
    WITH gone AS (
        DELETE FROM raw_prices
        WHERE (exchange, ticker) IN (SELECT * FROM unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[])))
        RETURNING {_COLUMNS}
    )
    INSERT INTO raw_prices_history ({_COLUMNS}, superseded_at) SELECT {_COLUMNS}, :now FROM gone
""")  # noqa: S608  column names of our own, here and below
# The stored rows are looked up by instrument first: joined with the staged ones at once, the planner reads the whole
# table for every chunk of a large load.
_KEEP_CHANGED = text(f"""
    WITH r AS MATERIALIZED (
        SELECT stored.*
        FROM unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[])) AS wanted (exchange, ticker)
        JOIN raw_prices AS stored ON stored.exchange = wanted.exchange AND stored.ticker = wanted.ticker
    )
    INSERT INTO raw_prices_history ({_COLUMNS}, superseded_at)
    SELECT {", ".join(f"r.{name}" for name in STORED_SCHEMA)}, :now
    FROM staged_prices AS s JOIN r USING (exchange, ticker, session)
    WHERE {_differs("r", "s")}
""")  # noqa: S608
_UPSERT = text(f"""
    WITH written AS (
        INSERT INTO raw_prices AS r ({_COLUMNS})
        SELECT {", ".join(RAW_SCHEMA)}, :now FROM staged_prices
        ON CONFLICT (exchange, ticker, session) DO UPDATE
            SET ({", ".join(n for n in STORED_SCHEMA if n not in KEYS)})
              = ({", ".join(f"excluded.{n}" for n in STORED_SCHEMA if n not in KEYS)})
            WHERE {_differs("r", "excluded")}
        RETURNING exchange, ticker, xmax = 0 AS is_new
    )
    SELECT exchange, ticker, count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new)
    FROM written GROUP BY exchange, ticker
""")  # noqa: S608
_NEWEST_WRITE = text("""
    SELECT max(ingested_at) FROM raw_prices
    WHERE (exchange, ticker) IN (SELECT * FROM unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[])))
""")
_STATES = text("""
    SELECT exchange, ticker, count(*), min(session), max(session), max(ingested_at)
    FROM raw_prices
    WHERE (exchange, ticker) IN (SELECT * FROM unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[])))
    GROUP BY exchange, ticker
""")
_CHANGED_SINCE = text("""
    SELECT p.exchange, p.ticker, count(*), min(p.session), bool_or(p.dividend <> 0 OR p.split <> 1)
    FROM raw_prices AS p
    JOIN unnest(CAST(:exchanges AS text[]), CAST(:tickers AS text[]), CAST(:since AS timestamptz[]))
        AS wanted (exchange, ticker, since)
        ON p.exchange = wanted.exchange AND p.ticker = wanted.ticker AND p.ingested_at > wanted.since
    GROUP BY p.exchange, p.ticker
""")
_AS_OF = f"""
    SELECT {_COLUMNS} FROM (
        SELECT {_COLUMNS} FROM raw_prices WHERE exchange = %s AND ticker = %s AND ingested_at <= %s
        UNION ALL
        SELECT {_COLUMNS} FROM raw_prices_history
        WHERE exchange = %s AND ticker = %s AND ingested_at <= %s AND superseded_at > %s
    ) AS known WHERE session BETWEEN %s AND %s ORDER BY session
"""  # noqa: S608
_CURRENT = f"""
    SELECT {_COLUMNS} FROM raw_prices
    WHERE (exchange, ticker) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
    ORDER BY exchange, ticker, session
"""  # noqa: S608
_NEWEST = f"""
    SELECT {", ".join(f"p.{name}" for name in STORED_SCHEMA)}
    FROM unnest(%s::text[], %s::text[]) AS wanted (exchange, ticker)
    CROSS JOIN LATERAL (
        SELECT * FROM raw_prices AS r
        WHERE r.exchange = wanted.exchange AND r.ticker = wanted.ticker ORDER BY r.session DESC LIMIT %s
    ) AS p
    ORDER BY p.exchange, p.ticker, p.session
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class UpsertCounts:
    """What became of one instrument's rows."""

    new: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class StoredInstrument:
    instrument: Instrument
    name: str
    source: str
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class RawState:
    """How much of one instrument is stored."""

    rows: int
    first_session: date
    last_session: date
    ingested_at: datetime
    """Of the row that was written last."""


@dataclass(frozen=True, slots=True)
class RawChanges:
    """What was written of one instrument since a moment."""

    rows: int
    first_session: date
    corporate_actions: bool
    """There is a dividend or a split among them, which changes the adjusted prices of all the past."""


class RawPrices:
    """Rows with the columns of ``RAW_SCHEMA``, one per instrument and session.

    Raises:
        sqlalchemy.exc.OperationalError: any method, when the server does not answer.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upsert(
        self,
        frame: pl.DataFrame,
        ingested_at: datetime,
        *,
        timeline: Timeline = "live",
        names: Mapping[Instrument, str] | None = None,
    ) -> dict[Instrument, UpsertCounts]:
        """Store the rows of one source; a row that differs from the stored one goes to the history, with the moment.

        An instrument of the replayed timeline that a live source writes changes over: its replayed rows go to the
        history.

        Args:
            frame: columns of ``RAW_SCHEMA``, no session twice, one source; many instruments are welcome.
            ingested_at: the moment of this write (aware). When another writer was quicker, the write counts as a
                microsecond after that one: moments of one instrument's rows follow the order of its writes.
            names: what people call the instruments; where there is none, the name that is stored stays.

        Raises:
            ConflictError: a replayed source would write over a live instrument; nothing is stored then.
        """
        if frame.is_empty():
            return {}
        keys = frame.group_by("exchange", "ticker").len().rows()
        instruments = [Instrument(exchange, ticker) for exchange, ticker, _ in keys]
        with self._engine.begin() as connection:
            known = [(names or {}).get(instrument, "") for instrument in instruments]
            now = self._register(connection, instruments, known, frame["source"][0], timeline, ingested_at)
            connection.execute(text("CREATE TEMP TABLE staged_prices (LIKE raw_prices) ON COMMIT DROP"))
            connection.execute(text("ALTER TABLE staged_prices ALTER ingested_at DROP NOT NULL"))
            copy_in(connection, "staged_prices", frame.select(*RAW_SCHEMA))
            connection.execute(text("ANALYZE staged_prices"))
            exchanges, tickers = _arrays(instruments)
            connection.execute(_KEEP_CHANGED, {"now": now, "exchanges": exchanges, "tickers": tickers})
            written = connection.execute(_UPSERT, {"now": now}).all()
        counts = {Instrument(exchange, ticker): (new, changed) for exchange, ticker, new, changed in written}
        return {
            (instrument := Instrument(exchange, ticker)): UpsertCounts(
                *counts.get(instrument, (0, 0)), unchanged=rows - sum(counts.get(instrument, (0, 0)))
            )
            for exchange, ticker, rows in keys
        }

    def instruments(self, timeline: Timeline | None = None) -> list[StoredInstrument]:
        """All instruments that have rows, or those of one timeline, by exchange and ticker."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                text("SELECT exchange, ticker, name, source, timeline FROM instruments ORDER BY exchange, ticker")
            ).all()
        stored = [StoredInstrument(Instrument(row[0], row[1]), *row[2:]) for row in rows]
        return [item for item in stored if timeline in (None, item.timeline)]

    def read(
        self,
        instrument: Instrument,
        as_of: datetime | None = None,
        start: date | None = None,
        end: date | None = None,
    ) -> pl.DataFrame:
        """One instrument's rows by session, from ``start`` to ``end`` (inclusive, None: all), columns of
        ``STORED_SCHEMA``: the present ones, or those that a read at the moment ``as_of`` gave."""
        moment = as_of or datetime.max.replace(tzinfo=UTC)
        who = (instrument.exchange, instrument.ticker)
        span = (start or date.min, end or date.max)
        with self._engine.connect() as connection:
            return copy_out(connection, _AS_OF, (*who, moment, *who, moment, moment, *span), STORED_SCHEMA)

    def current(self, instruments: Iterable[Instrument]) -> pl.DataFrame:
        """All present rows of many instruments, by exchange, ticker and session."""
        with self._engine.connect() as connection:
            return copy_out(connection, _CURRENT, _arrays(instruments), STORED_SCHEMA)

    def newest(self, instruments: Iterable[Instrument], sessions: int) -> pl.DataFrame:
        """The last ``sessions`` rows of each instrument, by exchange, ticker and session."""
        with self._engine.connect() as connection:
            return copy_out(connection, _NEWEST, (*_arrays(instruments), sessions), STORED_SCHEMA)

    def states(self, instruments: Iterable[Instrument]) -> dict[Instrument, RawState]:
        """What is stored of each; an instrument without rows is missing."""
        exchanges, tickers = _arrays(instruments)
        with self._engine.connect() as connection:
            rows = connection.execute(_STATES, {"exchanges": exchanges, "tickers": tickers}).all()
        return {Instrument(row[0], row[1]): RawState(*row[2:]) for row in rows}

    def changed_since(self, since: Mapping[Instrument, datetime]) -> dict[Instrument, RawChanges]:
        """What was written of each instrument after the moment given for it; one without changes is missing."""
        exchanges, tickers = _arrays(since)
        parameters = {"exchanges": exchanges, "tickers": tickers, "since": list(since.values())}
        with self._engine.connect() as connection:
            rows = connection.execute(_CHANGED_SINCE, parameters).all()
        return {Instrument(row[0], row[1]): RawChanges(*row[2:]) for row in rows}

    def _register(
        self,
        connection: Connection,
        instruments: Sequence[Instrument],
        names: Sequence[str],
        source: str,
        timeline: Timeline,
        ingested_at: datetime,
    ) -> datetime:
        """Enter the instruments, and say which moment this write is.

        Their rows in the table stay locked to the end of the transaction: one writer at a time.
        """
        exchanges, tickers = _arrays(instruments)
        keys = {"exchanges": exchanges, "tickers": tickers}
        before = connection.execute(_TIMELINES, keys).all()
        elsewhere = [Instrument(exchange, ticker) for exchange, ticker, known in before if known != timeline]
        if elsewhere and timeline == "replay":
            raise ConflictError(
                f"{', '.join(map(str, elsewhere))}: loaded from a live source, which the replayed {source}"
                " must not replace"
            )
        connection.execute(_REGISTER, {**keys, "names": names, "source": source, "timeline": timeline})
        newest = connection.execute(_NEWEST_WRITE, keys).scalar()
        now = ingested_at if newest is None else max(ingested_at, newest + timedelta(microseconds=1))
        if elsewhere:
            exchanges, tickers = _arrays(elsewhere)
            connection.execute(_SUPERSEDE_ALL, {"exchanges": exchanges, "tickers": tickers, "now": now})
        return now


def _arrays(instruments: Iterable[Instrument]) -> tuple[list[str], list[str]]:
    wanted = list(instruments)
    return [item.exchange for item in wanted], [item.ticker for item in wanted]
