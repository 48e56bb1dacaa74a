"""ClickHouse: clean prices and features, written in Arrow blocks and read without duplicates.

``version`` of a row is the moment of the newest raw row it was computed from, in microseconds since the epoch (more
where the same rows were computed again): the "as of" that reproduces it from raw_db. Tables replace rows by version
when they merge, which is later; every read here takes the newest version of each session itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client

from stock_mlops.instruments import Instrument

if TYPE_CHECKING:
    # The prediction path reads vectors from here and needs no data frames.
    import polars as pl

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Exchanges by themselves too: the table's order is found by them.
_AMONG = "exchange IN {exchanges:Array(String)} AND (exchange, ticker) IN {wanted:Array(Tuple(String, String))}"
# Instruments of a query: a panel is read in a few, and no answer is larger than a training can hold anyway.
_READ_AT_ONCE = 100
_FEATURE_KEYS = ("exchange", "ticker", "session", "feature_version", "version")


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """What a model is asked with: the features of an instrument's newest session."""

    session: date
    last_close: float
    """As traded, in the instrument's currency."""
    values: dict[str, float]
    """Features known that session; one whose window was not full is missing."""
    feature_version: str
    data_version: str


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """What the warehouse holds of one instrument."""

    exchange: str
    ticker: str
    source: str
    first_session: date
    last_session: date
    rows: int
    last_close: float
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class WarehouseState:
    """How far the warehouse is with one instrument; decides what an ingest has to write."""

    rows: int = 0
    last_session: date | None = None
    version: int = 0
    feature_versions: frozenset[str] = field(default_factory=frozenset)


class TrainingFrame(NamedTuple):
    """Training data of one instrument."""

    frame: pl.DataFrame
    """By session: session, open and close (adjusted), one column per feature."""
    data_version: str
    """A hash of the frame's content: equal ones mean equal frames, whenever and wherever they were read."""
    as_of: datetime
    """The moment at which the raw prices were as these rows show them."""


class Warehouse:
    """Clean prices and features of all instruments.

    Raises:
        clickhouse_connect.driver.exceptions.ClickHouseError: any method, when the server does not answer or refuses.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known_columns: frozenset[str] = frozenset()

    def ensure_feature_columns(self, names: Iterable[str]) -> list[str]:
        """Give the feature table a column for each of ``names``; returns those that were missing. What is there once
        stays, so that it is asked for once."""
        wanted = list(names)
        if self._known_columns.issuperset(wanted):
            return []
        known = set(self._feature_columns())
        missing = [name for name in wanted if name not in known]
        if missing:
            columns = [f"ADD COLUMN IF NOT EXISTS {quote_identifier(name)} Nullable(Float64)" for name in missing]
            self._client.command(f"ALTER TABLE features {', '.join(columns)}")
        self._known_columns = frozenset(known | set(missing))
        return missing

    def write_prices(self, clean: pl.DataFrame) -> None:
        """Insert rows with the columns of ``prices.schema.CLEAN_SCHEMA`` and ``version``."""
        self._insert("prices", clean)

    def write_features(self, features: pl.DataFrame) -> None:
        """Insert rows of ``features.compute_features`` with the columns ``feature_version`` and ``version`` added."""
        self._insert("features", features)

    def drop_older(self, instrument: Instrument, version: int) -> None:
        """Delete an instrument's rows of versions before ``version``: sessions that its raw prices no longer have."""
        for table in ("prices", "features"):
            self._client.command(
                f"DELETE FROM {table} WHERE exchange = {{exchange:String}} AND ticker = {{ticker:String}}"  # noqa: S608
                " AND version < {version:UInt64}",
                parameters={**_key(instrument), "version": version},
            )

    def delete(self, instrument: Instrument) -> None:
        """Delete all rows of an instrument; features first, from which the warehouse's state is read."""
        for table in ("features", "prices"):
            self._client.command(
                f"DELETE FROM {table} WHERE exchange = {{exchange:String}} AND ticker = {{ticker:String}}",  # noqa: S608
                parameters=_key(instrument),
            )

    def states(self, instruments: Iterable[Instrument]) -> dict[Instrument, WarehouseState]:
        """The state of each instrument, empty for one that was never written.

        It is read from the features, which are written after the prices: an interrupted write shows as not done.
        """
        wanted = [(instrument.exchange, instrument.ticker) for instrument in instruments]
        states = {Instrument(*key): WarehouseState() for key in wanted}
        if not wanted:
            return states
        rows = self._client.query(
            "SELECT exchange, ticker, count(), max(session), max(newest), groupUniqArray(definitions) FROM ("
            " SELECT exchange, ticker, session, max(version) AS newest, argMax(feature_version, version) AS definitions"
            " FROM features WHERE (exchange, ticker) IN {wanted:Array(Tuple(String, String))}"
            " GROUP BY exchange, ticker, session) GROUP BY exchange, ticker",
            parameters={"wanted": wanted},
        ).result_rows
        for exchange, ticker, count, last, version, feature_versions in rows:
            states[Instrument(exchange, ticker)] = WarehouseState(count, last, version, frozenset(feature_versions))
        return states

    def prices(self, instrument: Instrument, start: date | None = None, end: date | None = None) -> pl.DataFrame:
        """Clean prices from ``start`` to ``end`` (inclusive, None: all), by session; columns of ``CLEAN_SCHEMA`` and
        ``version``."""
        from stock_mlops.prices.schema import CLEAN_SCHEMA

        return self._select("prices", (*CLEAN_SCHEMA, "version"), instrument, start, end)

    def features(
        self, instrument: Instrument, names: Iterable[str], start: date | None = None, end: date | None = None
    ) -> pl.DataFrame:
        """session, feature_version, version and the features ``names`` (Float64, null in warm-up), by session."""
        return self._select("features", ("session", "feature_version", "version", *names), instrument, start, end)

    def training_frame(
        self, instrument: Instrument, names: Iterable[str], start: date | None = None, end: date | None = None
    ) -> TrainingFrame:
        """What a model is trained on, and the version of those data."""
        return self.training_frames([instrument], names, start, end)[instrument]

    def training_frames(
        self,
        instruments: Sequence[Instrument],
        names: Iterable[str],
        start: date | None = None,
        end: date | None = None,
    ) -> dict[Instrument, TrainingFrame]:
        """What a panel is trained on, by member; each is what ``training_frame`` says of it."""
        wanted = list(names)
        # Nothing may have been loaded since the feature was defined; then it is unknown here, which is no error.
        self.ensure_feature_columns(wanted)
        prices = self._select_all("prices", ("session", "open", "close", "version"), instruments, start, end)
        # A feature may bear the name of a price column (open, close); as a feature it is the same number.
        extra = [name for name in wanted if name not in ("session", "open", "close")]
        features = self._select_all("features", ("session", *extra), instruments, start, end)
        return {instrument: _training_frame(prices[instrument], features[instrument]) for instrument in instruments}

    def newest_load(self, instruments: Sequence[Instrument]) -> str:
        """Names the prices of these instruments as they are now: another load of one of them gives another name."""
        version: int = self._client.query(
            f"SELECT max(version) FROM prices WHERE {_AMONG}",  # noqa: S608  a constant
            parameters=_among(instruments),
        ).result_rows[0][0]
        return str(version)

    def last_sessions(self, instruments: Sequence[Instrument]) -> dict[Instrument, date]:
        """The newest session of each of these instruments that has any."""
        rows = self._client.query(
            f"SELECT exchange, ticker, max(session) FROM prices WHERE {_AMONG} GROUP BY exchange, ticker",  # noqa: S608
            parameters=_among(instruments),
        ).result_rows
        return {Instrument(exchange, ticker): session for exchange, ticker, session in rows}

    def latest_vector(self, instrument: Instrument) -> FeatureVector | None:
        """The newest features, or None when nothing of the instrument was loaded. Prices may be further on: they are
        written first, and saved last."""
        key = "exchange = {exchange:String} AND ticker = {ticker:String}"
        result = self._client.query(
            f"WITH (SELECT max(session) FROM features WHERE {key}) AS newest"  # noqa: S608  a constant
            " SELECT f.*, p.raw_close AS __raw_close FROM ("
            f" SELECT * FROM features WHERE {key} AND session = newest ORDER BY version DESC LIMIT 1) AS f"
            f" INNER JOIN (SELECT session, raw_close FROM prices WHERE {key} AND session = newest"
            " ORDER BY version DESC LIMIT 1) AS p ON p.session = f.session",
            parameters=_key(instrument),
        )
        for row in result.named_results():
            return _vector(row)
        return None

    def latest_vectors(self, instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector]:
        """:meth:`latest_vector` of many; one of which nothing was loaded is missing."""
        newest = f"SELECT exchange, ticker, max(session) FROM features WHERE {_AMONG} GROUP BY exchange, ticker"  # noqa: S608
        return self._vectors(instruments, f"(exchange, ticker, session) IN ({newest})", {})

    def session_vectors(self, instruments: Sequence[Instrument], session: date) -> dict[Instrument, FeatureVector]:
        """The features of one session of many instruments; one that was not traded then is missing."""
        return self._vectors(instruments, "session = {session:Date32}", {"session": session})

    def _vectors(
        self, instruments: Sequence[Instrument], of_session: str, parameters: dict[str, object]
    ) -> dict[Instrument, FeatureVector]:
        wanted = f"WHERE {_AMONG} AND {of_session} ORDER BY version DESC LIMIT 1 BY exchange, ticker"
        result = self._client.query(
            f"SELECT f.*, p.raw_close AS __raw_close FROM (SELECT * FROM features {wanted}) AS f"  # noqa: S608  constants
            f" INNER JOIN (SELECT exchange, ticker, session, raw_close FROM prices {wanted}) AS p"
            " ON p.exchange = f.exchange AND p.ticker = f.ticker AND p.session = f.session",
            parameters=_among(instruments) | parameters,
        )
        return {Instrument(row["exchange"], row["ticker"]): _vector(row) for row in result.named_results()}

    def datasets(self) -> list[DatasetRow]:
        """Every instrument with its span, by exchange and ticker."""
        rows = self._client.query(
            "SELECT exchange, ticker, argMax(source, (session, version)), min(session), max(session),"
            " uniqExact(session), argMax(raw_close, (session, version)),"
            " max(version)"
            " FROM prices GROUP BY exchange, ticker ORDER BY exchange, ticker"
        ).result_rows
        return [
            DatasetRow(exchange, ticker, source, first, last, count, close, version_time(version))
            for exchange, ticker, source, first, last, count, close, version in rows
        ]

    def _feature_columns(self) -> list[str]:
        rows = self._client.query(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'features'"
        ).result_rows
        return [row[0] for row in rows]

    def _insert(self, table: str, frame: pl.DataFrame) -> None:
        import polars as pl

        if frame.is_empty():
            return
        buffer = BytesIO()
        # ClickHouse reads Arrow's classic strings, not yet its string views.
        frame.write_ipc(buffer, compat_level=pl.CompatLevel.oldest())
        self._client.raw_insert(table, column_names=frame.columns, insert_block=buffer.getvalue(), fmt="Arrow")

    def _select(
        self, table: str, columns: Iterable[str], instrument: Instrument, start: date | None, end: date | None
    ) -> pl.DataFrame:
        return self._select_all(table, columns, [instrument], start, end)[instrument]

    def _select_all(
        self,
        table: str,
        columns: Iterable[str],
        instruments: Sequence[Instrument],
        start: date | None,
        end: date | None,
    ) -> dict[Instrument, pl.DataFrame]:
        """The newest version of each session, by instrument."""
        import polars as pl

        selected = ", ".join(quote_identifier(name) for name in columns)
        conditions, bounds = [_AMONG], dict[str, object]()
        if start is not None:
            conditions.append("session >= {start:Date32}")
            bounds["start"] = start
        if end is not None:
            conditions.append("session <= {end:Date32}")
            bounds["end"] = end
        frames: dict[Instrument, pl.DataFrame] = {}
        for first in range(0, len(instruments), _READ_AT_ONCE):
            part = instruments[first : first + _READ_AT_ONCE]
            content = self._client.raw_query(
                f"SELECT exchange AS __exchange, ticker AS __ticker, {selected} FROM {table}"  # noqa: S608  quoted
                f" WHERE {' AND '.join(conditions)} ORDER BY exchange, ticker, session, version DESC"
                " LIMIT 1 BY exchange, ticker, session",
                parameters=_among(part) | bounds,
                fmt="Arrow",
            )
            every = pl.read_ipc(content)
            found = every.partition_by("__exchange", "__ticker", as_dict=True, include_key=False)
            none = every.clear().drop("__exchange", "__ticker")
            frames |= {item: found.get((item.exchange, item.ticker), none) for item in part}
        return frames


def version_of(ingested_at: datetime) -> int:
    """The version of rows computed from raw rows up to ``ingested_at`` (aware)."""
    return (ingested_at - _EPOCH) // _MICROSECOND


def version_time(version: int) -> datetime:
    return _EPOCH + version * _MICROSECOND


def _training_frame(prices: pl.DataFrame, features: pl.DataFrame) -> TrainingFrame:
    newest = max(prices["version"].to_list(), default=0)
    frame = prices.drop("version").join(features, on="session", how="inner", maintain_order="left")
    return TrainingFrame(frame, content_hash(frame), version_time(newest))


def _among(instruments: Sequence[Instrument]) -> dict[str, object]:
    """Parameters of ``_AMONG``."""
    return {
        "exchanges": sorted({instrument.exchange for instrument in instruments}),
        "wanted": [(instrument.exchange, instrument.ticker) for instrument in instruments],
    }


def _key(instrument: Instrument) -> dict[str, object]:
    return {"exchange": instrument.exchange, "ticker": instrument.ticker}


def _vector(row: Mapping[str, Any]) -> FeatureVector:
    return FeatureVector(
        session=row["session"],
        last_close=row["__raw_close"],
        values=_feature_values(row),
        feature_version=row["feature_version"],
        data_version=str(row["version"]),
    )


def _feature_values(row: Mapping[str, object]) -> dict[str, float]:
    return {
        name: value
        for name, value in row.items()
        if isinstance(value, float) and name not in _FEATURE_KEYS and name != "__raw_close"
    }


def content_hash(frame: pl.DataFrame) -> str:
    """Hash of names and values; null and every number keep their own bytes."""
    digest = hashlib.sha256("\n".join(frame.columns).encode())
    for column in frame.iter_columns():
        digest.update(column.is_null().to_physical().to_numpy().tobytes())
        digest.update(column.to_physical().fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()[:16]
