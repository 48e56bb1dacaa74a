"""Prices from Yahoo Finance through yfinance.

One process owns Yahoo. It asks for one symbol at a time: ``yf.download`` of a list sends its requests unpaced, and
Yahoo tolerates about two in five seconds.
"""

from __future__ import annotations

import atexit
import logging
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import polars as pl
from stock_kit.logging import get_logger
from stock_kit.model_settings import EtlSettings

from stock_mlops.instruments import Instrument
from stock_mlops.prices.actions import undo_splits
from stock_mlops.prices.schema import OHLC, ROW_NUMBER, SOURCE_SCHEMA
from stock_mlops.prices.sources.base import Fetched, FetchRequest, SourceError, Timeline
from stock_mlops.prices.sources.pace import Pace

if TYPE_CHECKING:
    import pandas as pd

log = get_logger(__name__)

Download = Callable[..., "pd.DataFrame | None"]

_FIRST_DAY = date(1960, 1, 1)
"""Before Yahoo's oldest prices."""

_BACK_OFF_SECONDS = (120.0, 300.0, 900.0)
"""Waits after Yahoo's refusals, each with jitter; then nobody is asked for any more in this run."""
_JITTER = 0.25

_COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "adj_close",
    "Volume": "volume",
    "Dividends": "dividend",
    "Stock Splits": "split",
}
# A fund's capital gains are paid out like dividends.
_CAPITAL_GAINS = "Capital Gains"

_SAME = 1e-3
"""Closes of one session that differ by less are the same, and ratios that differ by less are one."""


# Errors of yfinance are known from its log, which says nothing of the call that they belong to.
_one_at_a_time = threading.Lock()


class RateLimitedError(Exception):
    """Yahoo refuses to answer for now."""


class YahooError(Exception):
    """Yahoo answered something else than prices."""


@dataclass(frozen=True)
class Patience:
    """What the source does between requests; tests put their own clock here."""

    pace: Pace
    sleep: Callable[[float], None]
    jitter: Callable[[], float]


class YahooSource:
    """Daily prices as traded: Yahoo's split adjustment is undone with the splits of the same answer.

    Incremental: the stored sessions at the end are asked for again. When all their closes disagree by one ratio, Yahoo
    has rewritten the past, and the whole history is fetched.

    Args:
        settings: pace and overlap.
        download: ``yfinance.download`` or a twin of it.
        patience: pace and waits; the process's own when None.
    """

    name = "yfinance"
    timeline: Timeline = "live"

    def __init__(
        self, settings: EtlSettings, download: Download | None = None, patience: Patience | None = None
    ) -> None:
        self._download = download
        self._patience = patience or _process_patience(settings.yfinance_rate)
        self._asked: set[Instrument] = set()
        self._gave_up = False

    def instruments(self) -> tuple[Instrument, ...]:
        return ()

    def fetch(self, request: FetchRequest) -> Iterator[Fetched]:
        if not request.instruments:
            raise SourceError("the source 'yfinance' must be told what to load: name at least one ticker")
        for instrument in request.instruments:
            try:
                yield self._fetch(instrument, request)
            except RateLimitedError:
                yield Fetched(instrument, error="Yahoo refuses for now (too many requests); try again in an hour")
            except Exception as error:  # noqa: BLE001  one ticker's trouble is not the others'
                log.warning("yahoo_failed", instrument=instrument.key, error=str(error))
                yield Fetched(instrument, error=f"Yahoo: {error}")

    def _fetch(self, instrument: Instrument, request: FetchRequest) -> Fetched:
        # The bar of a session that has not closed is not asked for: Yahoo's end is exclusive.
        end = instrument.sessions.last_closed(request.until) + timedelta(days=1)
        stored = request.stored.get(instrument)
        if stored is None or stored.is_empty() or request.full:
            return self._ask(instrument, _FIRST_DAY, end)
        fetched = self._ask(instrument, stored["session"].min() or _FIRST_DAY, end)
        if _restated(stored, fetched.rows):
            log.info("yahoo_history_restated", instrument=instrument.key)
            return self._ask(instrument, _FIRST_DAY, end)
        return fetched

    def _ask(self, instrument: Instrument, start: object, end: date) -> Fetched:
        rows = _interpret(instrument, self._answer(instrument, start, end))
        last = rows.tail(1)
        if last.select(pl.any_horizontal(pl.col(*OHLC).is_null())).item():
            # A completed session's bar can be without prices until the next open; the overlap asks for it again.
            note = f"the bar of {last['session'][0]} is not complete yet"
            return Fetched(instrument, rows.head(-1), notes=(note,))
        return Fetched(instrument, rows)

    def _answer(self, instrument: Instrument, start: object, end: date) -> pd.DataFrame:
        """Yahoo's frame for one symbol, columns Open, High, ..., indexed by day.

        Raises:
            RateLimitedError: also after waiting; later symbols are then not asked for at all.
            YahooError: Yahoo gave an error instead of prices.
        """
        for wait in (*_BACK_OFF_SECONDS, None):
            if self._gave_up:
                raise RateLimitedError
            # The first request for a symbol is preceded by one for its time zone.
            self._patience.pace.wait(1 if instrument in self._asked else 2)
            self._asked.add(instrument)
            try:
                return _call(self._download or _yfinance_download(), instrument.yahoo_symbol, start, end)
            except RateLimitedError:
                if wait is None:
                    break
                seconds = wait * (1 + _JITTER * (2 * self._patience.jitter() - 1))
                log.warning("yahoo_rate_limited", instrument=instrument.key, waits_seconds=round(seconds))
                self._patience.sleep(seconds)
        self._gave_up = True
        raise RateLimitedError


def _call(download: Download, symbol: str, start: object, end: date) -> pd.DataFrame:
    from yfinance.exceptions import YFRateLimitError

    with _one_at_a_time, _errors_of_yfinance() as errors:
        try:
            answer = download(
                [symbol],
                start=str(start),
                end=str(end),
                interval="1d",
                auto_adjust=False,
                actions=True,
                group_by="ticker",
                threads=False,
                progress=False,
                timeout=30,
            )
        except YFRateLimitError as error:
            raise RateLimitedError from error
    if any(YFRateLimitError.__name__ in text for text in errors):
        raise RateLimitedError
    if answer is None or answer.empty:
        reason = f" ({'; '.join(errors)})" if errors else ""
        raise YahooError(f"no prices for {symbol}: the symbol is unknown, or was delisted{reason}")
    # One column level, Price, under the ticker's: a frame, whatever the type of an indexed frame may be in general.
    return cast("pd.DataFrame", answer[symbol.upper()])


@contextmanager
def _errors_of_yfinance() -> Iterator[list[str]]:
    """What yfinance logs as errors meanwhile: ``download`` turns every exception, the rate limit's too, into a log line
    and an empty frame."""
    texts: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage().strip()
            if "Failed download" not in text:
                texts.append(text)

    collector = Collector(logging.ERROR)
    logger = logging.getLogger("yfinance")
    logger.addHandler(collector)
    try:
        yield texts
    finally:
        logger.removeHandler(collector)


def _interpret(instrument: Instrument, answer: pd.DataFrame) -> pl.DataFrame:
    """Yahoo's frame in our columns, as traded."""
    columns: dict[str, Any] = {
        name: answer[given].to_numpy(dtype=float) for given, name in _COLUMNS.items() if given in answer
    }
    rows = pl.DataFrame({"session": answer.index.to_numpy().astype("datetime64[D]"), **columns}, nan_to_null=True)
    gains = answer[_CAPITAL_GAINS].fillna(0).to_numpy(dtype=float) if _CAPITAL_GAINS in answer else 0.0
    rows = rows.with_columns(
        exchange=pl.lit(instrument.exchange),
        ticker=pl.lit(instrument.ticker),
        source=pl.lit(YahooSource.name),
        dividend=_or(rows, "dividend", 0.0) + pl.lit(gains),
        # Yahoo writes 0 where there is no split.
        split=_or(rows, "split", 1.0).replace(0.0, 1.0),
    )
    rows = undo_splits(rows.sort("session")).with_row_index(ROW_NUMBER, offset=1)
    return rows.select(pl.col(name).cast(kind) for name, kind in SOURCE_SCHEMA.items())


def _or(rows: pl.DataFrame, name: str, default: float) -> pl.Expr:
    return pl.col(name).fill_null(default) if name in rows.columns else pl.lit(default)


def _restated(stored: pl.DataFrame, fetched: pl.DataFrame) -> bool:
    """Whether the stored closes differ from the fetched ones by one ratio that is not 1."""
    both = stored.select("session", was="close").join(fetched.select("session", "close"), on="session")
    ratio = (both["close"] / both["was"]).drop_nulls().drop_nans()
    if ratio.is_empty():
        return False
    lowest, highest = float(ratio.min()), float(ratio.max())  # type: ignore[arg-type]  # not empty, all numbers
    return highest / lowest - 1 < _SAME and abs(ratio[0] - 1) > _SAME


@cache
def _process_patience(per_second: float) -> Patience:
    """One pace for all sources of the process: Yahoo counts addresses, not objects."""
    return Patience(Pace(per_second), time.sleep, random.random)


@cache
def _yfinance_download() -> Download:
    """``yfinance.download``, its caches in a folder of this process: its SQLite files do not bear two writers."""
    import yfinance

    folder = tempfile.TemporaryDirectory(prefix="stock-mlops-yfinance-")
    atexit.register(folder.cleanup)
    yfinance.set_tz_cache_location(folder.name)
    yfinance.config.debug.hide_exceptions = False
    download: Download = yfinance.download
    return download
