"""The stages that are timed. Each does what the ingest does, with the same code."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
from stock_mlops.services.warehouse_sync import ROWS_AT_ONCE, whole_tickers
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.quarantine import Quarantine
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse
from tenacity import Retrying, stop_after_delay, wait_fixed

DATABASE = "bench_etl"
CLASSIC = feature_names()[:16]
_CHUNK_ROWS = 100_000


@dataclass
class Timing:
    """Rows that passed a stage, and what it took."""

    stage: str
    rows: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of this process and of the servers. On a machine that others use too it says more than the time that passed."""

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def cpu_rate(self) -> float:
        """Rows per second of one processor core."""
        return self.rows / max(self.cpu_seconds, 1e-9)


class Meter:
    """Adds time and CPU time to timings."""

    def __init__(self, settings: Settings) -> None:
        found = (_listener(port) for port in (settings.raw_db.port, settings.clickhouse.port))
        self._servers = [server for server in found if server is not None]

    @contextmanager
    def measure(self, timing: Timing) -> Iterator[None]:
        started, cpu = perf_counter(), self._cpu()
        yield
        timing.seconds += perf_counter() - started
        timing.cpu_seconds += self._cpu() - cpu

    def _cpu(self) -> float:
        total = sum(psutil.Process().cpu_times()[:2])
        for server in self._servers:
            for process in (server, *server.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    total += sum(process.cpu_times()[:2])
        return total


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
            # Not by force: an autovacuum worker belongs to another role. The server asks it to leave by itself.
            for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(1), reraise=True):
                with attempt:
                    connection.execute(text(f"DROP DATABASE IF EXISTS {database.database}"))
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
    raw, meter = RawPrices(get_engine(settings.raw_db)), Meter(settings)
    checking, storing = Timing("quality gate"), Timing("PostgreSQL: COPY and upsert")
    for chunk in chunks(file):
        with meter.measure(checking):
            good = check(chunk, sessions_of("US"), wall_now()).good
        with meter.measure(storing):
            raw.upsert(good, wall_now())
        checking.rows += len(chunk)
        storing.rows += len(good)
    return [checking, storing]


def to_clickhouse(settings: Settings, file: Path, names: tuple[str, ...], label: str) -> list[Timing]:
    """Adjustment, features and both inserts, timed together; reading the file is not counted."""
    client = open_client(settings.clickhouse)
    warehouse, meter = Warehouse(client), Meter(settings)
    warehouse.ensure_feature_columns(names)
    timing = Timing(f"ClickHouse: {label} computed and written")
    version = pl.lit(1, dtype=pl.UInt64)
    for chunk in chunks(file):
        with meter.measure(timing):
            for clean in whole_tickers(adjust(chunk.select(*RAW_SCHEMA)), ROWS_AT_ONCE):
                features = compute_features(clean, names)
                warehouse.write_prices(clean.with_columns(version=version))
                labels = {"version": version, "feature_version": pl.lit(FEATURE_VERSION)}
                warehouse.write_features(features.with_columns(**labels))
        timing.rows += len(chunk)
    for table in ("prices", "features"):
        client.command(f"TRUNCATE TABLE {table}")
    return [timing]


def whole_ingest(settings: Settings, file: Path) -> list[Timing]:
    """The ingest itself, end to end, with all features; PostgreSQL, which has the rows already, is emptied first."""
    engine = get_engine(settings.raw_db)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE raw_prices, raw_prices_history, instruments, quarantine"))
    warehouse, meter = Warehouse(open_client(settings.clickhouse)), Meter(settings)
    ingest = Ingest(RawPrices(engine), Quarantine(engine), warehouse, Clocks(), settings.etl, file.parent)
    timings = []
    for label in ("whole ingest, all features", "whole ingest again, nothing new"):
        timing = Timing(label)
        with meter.measure(timing):
            report = ingest.run(FileSource(file), exports=False)
        if report.failed:
            raise SystemExit(f"the ingest failed: {report.failed[0]}")
        timing.rows = sum(ticker.rows_read for ticker in report.tickers)
        timings.append(timing)
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
