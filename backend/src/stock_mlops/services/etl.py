"""One ETL run as a use case: its source, its instruments, its row in ``etl_runs``, its metrics.

The Prefect flow and ``stock-mlops etl --direct`` are two doors onto it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.errors import InvalidRequestError
from stock_mlops.instruments import Instrument, parse_symbol
from stock_mlops.prices.sources import PriceSource, SourceError, open_source
from stock_mlops.services.adaptation import adapt_loaded, open_adaptation
from stock_mlops.services.cache_clearing import clear_caches
from stock_mlops.services.etl_report import RunReport
from stock_mlops.services.ingest import Ingest, OnLoaded, open_ingest
from stock_mlops.services.ingest_report import TickerReport
from stock_mlops.services.pipeline_metrics import ETL_ROWS, ETL_RUNS, ETL_SECONDS, ETL_TICKERS, ROW_OUTCOMES
from stock_mlops.services.replay import begin_replay
from stock_mlops.services.settlement import open_settlement, settle_loaded
from stock_mlops.stores.etl_runs import EtlRuns
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.postgres import get_engine

log = get_logger(__name__)

# The report of a run at work is written again at most so often: who follows it looks twice a second.
_REPORT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class EtlRequest:
    """What to load."""

    source: str
    tickers: Sequence[str] = ()
    """Symbols, as ``parse_symbol`` reads them; none: all that the source has."""
    exchange: str = "US"
    """Market of symbols that name none."""
    full: bool = False
    """All history again."""
    file: Path | None = None
    """What the source ``file`` reads."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The file's names of our columns, where they are not the usual ones."""

    def instruments(self) -> tuple[Instrument, ...]:
        """The instruments named.

        Raises:
            InvalidRequestError: a symbol or the exchange is none.
        """
        try:
            return tuple(dict.fromkeys(parse_symbol(ticker, self.exchange) for ticker in self.tickers))
        except ValueError as error:
            raise InvalidRequestError(str(error)) from error


OnReport = Callable[[RunReport], None]


class EtlRun:
    """A run at work; thread-safe."""

    def __init__(self, request: EtlRequest, run_id: UUID, runs: EtlRuns, ingest: Ingest) -> None:
        self.request = request
        self._id = run_id
        self._runs = runs
        self._ingest = ingest
        self._source: PriceSource | None = None
        self._reports: dict[Instrument, TickerReport] = {}
        self._total: int | None = None
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._told_at = 0.0

    def open(self, settings: Settings) -> tuple[Instrument, ...]:
        """Open the source; returns what is to be loaded.

        Raises:
            SourceError: the source cannot be read.
            InvalidRequestError: the tickers do not fit it.
        """
        named = self.request.instruments()
        sole = named[0] if len(named) == 1 else None
        self._source = open_source(
            self.request.source,
            settings.etl,
            file=self.request.file,
            instrument=sole,
            exchange=self.request.exchange,
            columns=self.request.columns,
        )
        wanted = named or self._source.instruments()
        if not wanted:
            raise InvalidRequestError(f"source {self.request.source} needs to be told which tickers to load")
        begin_replay(MarketClocks(get_engine(settings.model_meta_db)), settings.replay, self._source)
        self._total = len(wanted)
        return wanted

    def load(self, instruments: Sequence[Instrument], on_report: OnReport | None = None) -> list[TickerReport]:
        """Load some of the instruments; to be called after :meth:`open`, in several threads if one likes.

        Args:
            on_report: called with the run's report after each ticker; what it raises ends the load.

        Raises:
            SourceError: the source gives nothing for anybody.
            DependencyUnavailableError: a database does not answer; try again later.
        """
        if self._source is None:
            raise RuntimeError("open() the run before loading")

        def note(ticker: TickerReport, _total: int) -> None:
            report = self._note(ticker)
            if on_report is not None:
                on_report(report)

        return list(self._ingest.run(self._source, instruments, full=self.request.full, progress=note).tickers)

    def give_up(self, instruments: Sequence[Instrument], reason: str) -> None:
        """Record why those of the instruments have no report that were not loaded."""
        for instrument in instruments:
            with self._lock:
                known = instrument in self._reports
            if not known:
                self._note(TickerReport(instrument, error=reason))

    def finish(self, error: str | None = None) -> RunReport:
        """End the run; ``error`` says why its source was refused."""
        if error is not None and self.request.file is not None:
            # An upload lies in a temporary folder, which says nothing to whoever reads this.
            error = error.replace(str(self.request.file), self.request.file.name)
        report = RunReport(self._total, self._sorted(), error)
        state = "failed" if report.failed else "completed"
        self._runs.finish(self._id, "failed" if report.failed else "completed", report.to_dict())
        source = self.request.source
        seconds = time.monotonic() - self._started
        ETL_RUNS.labels(source, state).inc()
        ETL_SECONDS.labels(source).observe(seconds)
        for ticker in report.tickers:
            count_ticker(source, ticker)
        log.info(
            "etl_ended",
            source=source,
            state=state,
            tickers=len(report.tickers),
            written=report.written,
            rejected=report.rejected,
            error=error,
            seconds=round(seconds, 3),
        )
        return report

    def _note(self, ticker: TickerReport) -> RunReport:
        with self._lock:
            self._reports[ticker.instrument] = ticker
            due = time.monotonic() - self._told_at >= _REPORT_SECONDS
            if due:
                self._told_at = time.monotonic()
        report = RunReport(self._total, self._sorted())
        if due:
            self._runs.update(self._id, report.to_dict())
        return report

    def _sorted(self) -> tuple[TickerReport, ...]:
        with self._lock:
            return tuple(self._reports[instrument] for instrument in sorted(self._reports))


def begin_etl(settings: Settings, request: EtlRequest, flow_run_id: str | None = None) -> EtlRun:
    """Enter a run; a flow run that is tried again goes on with its row."""
    runs = EtlRuns(get_engine(settings.raw_db))
    before = runs.of_flow_run(flow_run_id) if flow_run_id else None
    run_id = before.id if before and before.state == "running" else runs.start(request.source, flow_run_id)
    return EtlRun(request, run_id, runs, open_ingest(settings, on_loaded=after_load(settings)))


def run_etl(settings: Settings, request: EtlRequest, on_report: OnReport | None = None) -> RunReport:
    """A whole run in this process. A source that is refused is a failed report, not an exception.

    Raises:
        DependencyUnavailableError: a database does not answer.
    """
    run = begin_etl(settings, request)
    try:
        run.load(run.open(settings), on_report)
    except (SourceError, InvalidRequestError) as error:
        return run.finish(error=str(error))
    except BaseException as error:
        run.finish(error=f"interrupted: {error}")
        raise
    return run.finish()


def count_ticker(source: str, ticker: TickerReport) -> None:
    """Count what became of a ticker and its rows."""
    ETL_TICKERS.labels(source, "loaded" if ticker.error is None else "failed").inc()
    for outcome in ROW_OUTCOMES:
        ETL_ROWS.labels(source, outcome).inc(getattr(ticker, outcome))


def after_load(settings: Settings) -> OnLoaded:
    """What follows from new prices: what was cached of the older ones is forgotten, predictions that they complete are
    settled, intervals are adapted to the outcomes."""
    clear = clear_caches(settings)
    steps = (
        clear,
        settle_loaded(open_settlement(settings)),
        adapt_loaded(partial(open_adaptation, settings)),
        clear,  # of outcomes that were not there yet
    )

    def on_loaded(instruments: list[Instrument]) -> None:
        for step in steps:
            step(instruments)

    return on_loaded
