"""The stages that are timed. Each does what the ingest does, with the same code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import polars as pl
import psutil
from sqlalchemy import text
from stock_kit.clock import SystemClock, wall_now
from stock_kit.settings import Settings
from stock_mlops.features import FEATURE_VERSION, compute_features, feature_names
from stock_mlops.instruments import sessions_of
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.quality import check
from stock_mlops.prices.schema import RAW_SCHEMA
from stock_mlops.prices.sources import FetchRequest
from stock_mlops.prices.sources.file import FileSource
from stock_mlops.services.ingest import Ingest
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.quarantine import Quarantine
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse

DATABASE = "bench_etl"
CLASSIC = feature_names()[:16]
_CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class Timing:
    """Rows that passed a stage, and the seconds that it took."""

    stage: str
    rows: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


class Clocks:
    def clock(self, timeline: str) -> SystemClock:  # noqa: ARG002  one time for all
        return SystemClock()


@contextmanager
def own_databases(settings: Settings) -> Iterator[Settings]:
    """Databases for the benchmark on the servers of ``settings``; they are dropped afterwards."""
    own = settings.model_copy(
        update={
            "raw_db": settings.raw_db.model_copy(update={"database": DATABASE}),
            "model_meta_db": settings.model_meta_db.model_copy(update={"database": f"{DATABASE}_meta"}),
            "clickhouse": settings.clickhouse.model_copy(update={"database": DATABASE, "query_timeout": 300}),
        }
    )
    _drop(settings, own)
    for given, database in ((settings.raw_db, own.raw_db), (settings.model_meta_db, own.model_meta_db)):
        with get_engine(given).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {database.database}"))
    migrate(own)
    try:
        yield own
    finally:
        _drop(settings, own)


def _drop(settings: Settings, own: Settings) -> None:
    for given, database in ((settings.raw_db, own.raw_db), (settings.model_meta_db, own.model_meta_db)):
        get_engine(database).dispose()
        with get_engine(given).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {database.database} WITH (FORCE)"))
    open_client(settings.clickhouse, database="").command(f"DROP DATABASE IF EXISTS {DATABASE}")


def chunks(file: Path) -> Iterator[pl.DataFrame]:
    """The file's rows as the ingest sees them, in its chunks."""
    waiting: list[pl.DataFrame] = []
    for item in FileSource(file).fetch(FetchRequest(until=datetime(2026, 1, 1, tzinfo=UTC))):
        waiting.append(item.rows)
        if sum(map(len, waiting)) >= _CHUNK_ROWS:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)


def to_postgres(settings: Settings, file: Path) -> list[Timing]:
    """Quality gate and upsert, timed apart."""
    raw = RawPrices(get_engine(settings.raw_db))
    rows, checking, storing = 0, 0.0, 0.0
    for chunk in chunks(file):
        started = perf_counter()
        good = check(chunk, sessions_of("US"), wall_now()).good
        checking += perf_counter() - started
        started = perf_counter()
        raw.upsert(good, wall_now())
        storing += perf_counter() - started
        rows += len(good)
    return [Timing("quality gate", rows, checking), Timing("PostgreSQL: COPY and upsert", rows, storing)]


def to_clickhouse(settings: Settings, file: Path, names: tuple[str, ...], label: str) -> list[Timing]:
    """Adjustment, features and both inserts, timed together; reading the file is not counted."""
    client = open_client(settings.clickhouse)
    warehouse = Warehouse(client)
    warehouse.ensure_feature_columns(names)
    rows, seconds = 0, 0.0
    version = pl.lit(1, dtype=pl.UInt64)
    for chunk in chunks(file):
        started = perf_counter()
        clean = adjust(chunk.select(*RAW_SCHEMA))
        features = compute_features(clean, names)
        warehouse.write_prices(clean.with_columns(version=version))
        warehouse.write_features(features.with_columns(version=version, feature_version=pl.lit(FEATURE_VERSION)))
        seconds += perf_counter() - started
        rows += len(clean)
    for table in ("prices", "features"):
        client.command(f"TRUNCATE TABLE {table}")
    return [Timing(f"ClickHouse: {label} computed and written", rows, seconds)]


def whole_ingest(settings: Settings, file: Path) -> list[Timing]:
    """The ingest itself, end to end, with all features; PostgreSQL, which has the rows already, is emptied first."""
    engine = get_engine(settings.raw_db)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE raw_prices, raw_prices_history, instruments, quarantine"))
    warehouse = Warehouse(open_client(settings.clickhouse))
    ingest = Ingest(RawPrices(engine), Quarantine(engine), warehouse, Clocks(), settings.etl, file.parent)
    timings = []
    for label in ("whole ingest, all features", "whole ingest again, nothing new"):
        started = perf_counter()
        report = ingest.run(FileSource(file), exports=False)
        seconds = perf_counter() - started
        if report.failed:
            raise SystemExit(f"the ingest failed: {report.failed[0]}")
        timings.append(Timing(label, sum(ticker.rows_read for ticker in report.tickers), seconds))
    return timings


class PeakMemory:
    """The largest resident memory of this process and of the server behind a port, looked at twice a second."""

    def __init__(self, port: int) -> None:
        self._processes = {"this process": psutil.Process(), "ClickHouse server": _listener(port)}
        self.peaks: dict[str, int] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(0.5):
            for name, process in self._processes.items():
                if process is not None:
                    self.peaks[name] = max(self.peaks.get(name, 0), process.memory_info().rss)


def _listener(port: int) -> psutil.Process | None:
    """The process that listens on a port of this machine, when it may be seen."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return psutil.Process(connection.pid)
    return None
