"""From a source to the warehouse: extract, quality gate, raw rows, adjusted prices and features, Parquet export.

Idempotent: raw rows are compared with the stored ones, and the warehouse of an instrument is written when its version
is not that of its raw rows. A run that was cut off is finished by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Protocol

import polars as pl
from clickhouse_connect.driver.exceptions import OperationalError as ClickHouseUnavailable
from sqlalchemy.exc import OperationalError as PostgresUnavailable
from stock_kit.clock import Clock, wall_now
from stock_kit.logging import get_logger
from stock_kit.model_settings import EtlSettings
from stock_kit.settings import Settings

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.instruments import Instrument
from stock_mlops.prices.quality import check
from stock_mlops.prices.schema import KEYS, RAW_SCHEMA
from stock_mlops.prices.sources import Fetched, FetchRequest, PriceSource
from stock_mlops.services.ingest_report import IngestReport, TickerReport
from stock_mlops.services.warehouse_sync import WarehouseSync, export
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.quarantine import Quarantine
from stock_mlops.stores.raw_prices import RawPrices, RawState
from stock_mlops.stores.warehouse import Warehouse

log = get_logger(__name__)

# Rows that pass through the stages together: large enough for fast inserts, small beside the memory of a process.
_CHUNK_ROWS = 100_000
_CHUNK_SECONDS = 2.0

# A move that a source repeats so much later is taken to be real: providers repair wrong prices within a day or two.
_CONFIRMED_AFTER = timedelta(hours=20)

OnLoaded = Callable[[list[Instrument]], None]
Progress = Callable[[TickerReport, int], None]
"""Called with each ticker as it is done, and how many tickers there are as far as is known."""

_CLOSES: dict[str, pl.DataType] = {name: RAW_SCHEMA[name] for name in (*KEYS, "close")}


class Clocks(Protocol):
    def clock(self, timeline: str) -> Clock: ...


class Ingest:
    """Loads sources.

    Args:
        on_loaded: told of the instruments whose newest rows in the warehouse changed.
        export_dir: folder of the Parquet files.
    """

    def __init__(
        self,
        raw: RawPrices,
        quarantine: Quarantine,
        warehouse: Warehouse,
        clocks: Clocks,
        settings: EtlSettings,
        export_dir: Path,
        on_loaded: OnLoaded | None = None,
    ) -> None:
        self._raw = raw
        self._quarantine = quarantine
        self._warehouse = warehouse
        self._sync = WarehouseSync(raw, warehouse)
        self._clocks = clocks
        self._settings = settings
        self._export_dir = export_dir
        self._on_loaded = on_loaded

    def run(
        self,
        source: PriceSource,
        instruments: Collection[Instrument] | None = None,
        *,
        full: bool = False,
        exports: bool = True,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Load ``instruments`` (None: all that the source has).

        Args:
            full: all history again, where the source would give only what is new, and all of it into the warehouse,
                whatever stands there.
            exports: write the Parquet files as well.

        Returns:
            what happened to each ticker; one that failed has an error and did not fail the others.

        Raises:
            SourceError: the source gives nothing for anybody.
            DependencyUnavailableError: PostgreSQL or ClickHouse does not answer; run it again later.
        """
        try:
            return IngestReport(source.name, self._run(source, instruments, full, exports, progress))
        except PostgresUnavailable as error:
            raise DependencyUnavailableError("PostgreSQL", str(error.orig).strip()) from error
        except ClickHouseUnavailable as error:
            raise DependencyUnavailableError("ClickHouse", str(error).strip()) from error

    def _run(
        self,
        source: PriceSource,
        instruments: Collection[Instrument] | None,
        full: bool,
        exports: bool,
        progress: Progress | None,
    ) -> list[TickerReport]:
        wanted = source.instruments() if instruments is None else tuple(instruments)
        now = self._clocks.clock(source.timeline).now()
        refused = self._refused(source, wanted)
        wanted = tuple(item for item in wanted if item not in {report.instrument for report in refused})
        reports = list(refused)
        if not wanted:
            return reports
        request = FetchRequest(until=now, instruments=wanted, stored=self._stored(source, wanted), full=full)
        with ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="ingest") as pool:
            work = (
                pool.submit(self._load_safely, source, request, chunk, exports)
                for chunk in _chunks(source.fetch(request))
            )
            for done in _bounded(work, self._settings.concurrency + 1):
                for report in done:
                    reports.append(report)
                    if progress is not None:
                        progress(report, len(wanted) + len(refused))
        return sorted(reports, key=lambda report: report.instrument)

    def _refused(self, source: PriceSource, wanted: Iterable[Instrument]) -> list[TickerReport]:
        """The sample must not write over an instrument that somebody loaded for himself."""
        if source.timeline != "replay":
            return []
        live = {item.instrument: item.source for item in self._raw.instruments("live")}
        return [
            TickerReport(item, error=f"was loaded from {live[item]!r}; the {source.name} does not replace it")
            for item in wanted
            if item in live
        ]

    def _stored(self, source: PriceSource, wanted: Collection[Instrument]) -> dict[Instrument, pl.DataFrame]:
        """The newest rows of those that this source's timeline already has."""
        same = {item.instrument for item in self._raw.instruments(source.timeline)}.intersection(wanted)
        if not same:
            return {}
        rows = self._raw.newest(same, self._settings.overlap_sessions)
        return {Instrument(*key): frame for key, frame in rows.partition_by("exchange", "ticker", as_dict=True).items()}

    def _load_safely(
        self, source: PriceSource, request: FetchRequest, chunk: Sequence[Fetched], exports: bool
    ) -> list[TickerReport]:
        """Load a chunk; when that fails, one by one, so that the error stays with its ticker."""
        try:
            return self._load(source, request, chunk, exports)
        except (PostgresUnavailable, ClickHouseUnavailable):
            raise
        except Exception as error:
            if len(chunk) > 1:
                return [report for item in chunk for report in self._load_safely(source, request, [item], exports)]
            log.exception("ticker_failed", instrument=chunk[0].instrument.key, source=source.name)
            return [TickerReport(chunk[0].instrument, chunk[0].rows_read, error=f"{type(error).__name__}: {error}")]

    def _load(
        self, source: PriceSource, request: FetchRequest, chunk: Sequence[Fetched], exports: bool
    ) -> list[TickerReport]:
        reports = {item.instrument: _report(item) for item in chunk}
        fetched = [item for item in chunk if item.error is None]
        instruments = [item.instrument for item in fetched]
        for exchange, group in groupby(sorted(fetched, key=lambda item: item.instrument), _exchange):
            self._store(source, exchange, list(group), request.until, reports)
        states = self._raw.states(instruments)
        for instrument, need in self._sync.run(instruments, again=request.full).items():
            reports[instrument].warehouse = need
        for instrument, state in states.items():
            _describe(reports[instrument], state)
        loaded = [instrument for instrument in instruments if reports[instrument].warehouse != "nothing"]
        if loaded and self._on_loaded is not None:
            self._on_loaded(loaded)
        if exports:
            for instrument in loaded:
                export(self._warehouse, self._export_dir, instrument)
        log.info(
            "chunk_loaded",
            source=source.name,
            tickers=len(chunk),
            new=sum(report.new for report in reports.values()),
            changed=sum(report.changed for report in reports.values()),
            rejected=sum(report.rejected for report in reports.values()),
        )
        return list(reports.values())

    def _store(
        self,
        source: PriceSource,
        exchange: str,
        fetched: Sequence[Fetched],
        now: datetime,
        reports: dict[Instrument, TickerReport],
    ) -> None:
        """Judge the rows of one exchange, store the good ones and put the others into quarantine."""
        instruments = [item.instrument for item in fetched]
        known, accepted = self._closes(source, fetched)
        checked = check(
            pl.concat([item.rows for item in fetched]),
            instruments[0].sessions,
            now,
            known=known,
            accepted=accepted,
            max_move=self._settings.max_move,
        )
        stamp = wall_now()
        names = {item.instrument: item.name for item in fetched}
        counts = self._raw.upsert(checked.good, stamp, timeline=source.timeline, names=names)
        for instrument, count in counts.items():
            report = reports[instrument]
            report.new, report.changed, report.unchanged = count.new, count.changed, count.unchanged
        rejected = pl.concat([*(item.rejected for item in fetched), checked.rejected])
        for (_, ticker), rows in rejected.partition_by("exchange", "ticker", as_dict=True).items():
            reports[Instrument(exchange, ticker)].reject(rows)
        self._quarantine.add(rejected, stamp)
        self._quarantine.resolve(instruments, stamp)

    def _closes(self, source: PriceSource, fetched: Sequence[Fetched]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What the gate measures first rows against, and the moves that are known to be real."""
        instruments = [item.instrument for item in fetched]
        stored = [frame.select(*_CLOSES) for frame in self._stored(source, instruments).values()]
        moves = self._quarantine.moves(instruments)
        old_enough = pl.col("seen_at") <= wall_now() - _CONFIRMED_AFTER
        vouched = [
            (item.instrument.exchange, item.instrument.ticker, day, None) for item in fetched for day in item.vouched
        ]
        known = pl.concat([moves.filter(~pl.col("resolved")).select(*_CLOSES), *stored])
        accepted = pl.concat(
            [
                moves.filter(pl.col("resolved") | old_enough).select(*_CLOSES),
                pl.DataFrame(vouched, schema=_CLOSES, orient="row"),
            ]
        )
        return known, accepted


def open_ingest(settings: Settings, on_loaded: OnLoaded | None = None, clocks: Clocks | None = None) -> Ingest:
    """An ingest over the servers of ``settings``; ``clocks`` are the ones that its owner moves, where it does."""
    engine = get_engine(settings.raw_db)
    return Ingest(
        raw=RawPrices(engine),
        quarantine=Quarantine(engine),
        warehouse=Warehouse(open_client(settings.clickhouse)),
        clocks=clocks or MarketClocks(get_engine(settings.model_meta_db)),
        settings=settings.etl,
        export_dir=settings.path(settings.etl.export_dir),
        on_loaded=on_loaded,
    )


def _exchange(item: Fetched) -> str:
    return item.instrument.exchange


def _report(item: Fetched) -> TickerReport:
    return TickerReport(item.instrument, item.rows_read, notes=list(item.notes), error=item.error)


def _describe(report: TickerReport, state: RawState) -> None:
    report.first_session, report.last_session = state.first_session, state.last_session
    sessions = report.instrument.sessions
    report.missing_sessions = len(sessions.array(state.first_session, state.last_session)) - state.rows


def _chunks(fetched: Iterable[Fetched]) -> Iterator[list[Fetched]]:
    """Groups worth an insert: many rows of a quick source, what came in a moment of a slow one."""
    chunk: list[Fetched] = []
    rows, began = 0, time.monotonic()
    for item in fetched:
        chunk.append(item)
        rows += len(item.rows)
        if rows >= _CHUNK_ROWS or time.monotonic() - began >= _CHUNK_SECONDS:
            yield chunk
            chunk, rows, began = [], 0, time.monotonic()
    if chunk:
        yield chunk


def _bounded(work: Iterator[Future[list[TickerReport]]], most: int) -> Iterator[list[TickerReport]]:
    """Results of ``work``, of which at most ``most`` are begun and not finished: a source is not read ahead of them."""
    pending: set[Future[list[TickerReport]]] = set()
    for future in work:
        pending.add(future)
        while len(pending) >= most:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for finished in done:
                yield finished.result()
    for future in pending:
        yield future.result()
