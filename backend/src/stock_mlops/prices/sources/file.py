"""Prices from a CSV or Parquet file of one's own, one ticker or many in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import polars as pl

from stock_mlops.instruments import Instrument, parse_symbol
from stock_mlops.prices.actions import are_split_adjusted, undo_splits, with_implied_actions
from stock_mlops.prices.schema import OHLC, REJECTED_SCHEMA, ROW_NUMBER, SOURCE_SCHEMA
from stock_mlops.prices.sources.base import Fetched, FetchRequest, SourceError, Timeline
from stock_mlops.prices.sources.file_reading import OpenedFile, open_file
from stock_mlops.prices.sources.file_values import dates, numbers

# Rows read at once from a file that can be read in parts.
_PART_ROWS = 250_000

_NUMBERS = (*OHLC, "volume", "dividend", "split", "adj_close")


class FileSource:
    """Reads date, open, high, low, close, adj close, volume, dividends, splits, ticker and exchange, in any order.

    Date and one of close and adj close are needed. What a file has no column for is assumed, and said in the notes:
    open, high and low equal to close, volume zero. Without columns for dividends and splits both are read out of adj
    close; without that as well there are none. With adj close alone, it is the close.

    Args:
        path: the file.
        instrument: whose prices they are, when there is no ticker column; else the only one to read.
        exchange: market of tickers that are named without one.
        columns: see ``open_file``.

    Raises:
        SourceError: the file cannot be read, is none of prices, or does not say whose.
    """

    name = "file"
    timeline: Timeline = "live"

    def __init__(
        self,
        path: Path,
        instrument: Instrument | None = None,
        exchange: str = "US",
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._exchange = exchange if instrument is None else instrument.exchange
        self._file = open_file(path, columns)
        self._only = instrument
        if instrument is None and "ticker" not in self._file.columns:
            raise SourceError(f"{path}: no ticker column; say whose prices they are (ticker)", about="ticker")

    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(self._named) if self._only is None else (self._only,)

    def fetch(self, request: FetchRequest) -> Iterator[Fetched]:
        wanted = self.instruments() if request.instruments is None else request.instruments
        if "ticker" not in self._file.columns:
            for instrument in wanted:
                yield self._one(instrument) if instrument == self._only else self._absent(instrument)
            return
        present = [instrument for instrument in wanted if instrument in self._named]
        for part in self._parts(present):
            yield from self._read_part(part)
        for instrument in wanted:
            if instrument not in self._named:
                yield self._absent(instrument)

    @cached_property
    def _named(self) -> dict[Instrument, list[tuple[str, str | None]]]:
        """The file's instruments, and how it writes each (ticker, exchange)."""
        written = [name for name in ("ticker", "exchange") if name in self._file.columns]
        found = (
            self._file.rows.group_by(written).agg(pl.col(ROW_NUMBER).min(), rows=pl.len()).sort(ROW_NUMBER).collect()
        )
        named: dict[Instrument, list[tuple[str, str | None]]] = {}
        for row in found.iter_rows(named=True):
            instrument = self._identify(row["ticker"], row.get("exchange"), row[ROW_NUMBER])
            named.setdefault(instrument, []).append((row["ticker"], row.get("exchange")))
        return named

    def _identify(self, ticker: str | None, exchange: str | None, row_number: int) -> Instrument:
        if ticker is None:
            raise SourceError(f"{self._path}: row {row_number} has no ticker")
        try:
            market = self._exchange if exchange is None else str(exchange).strip().upper()
            return parse_symbol(str(ticker), market)
        except ValueError as error:
            raise SourceError(f"{self._path}: row {row_number}: {error}") from error

    def _parts(self, instruments: list[Instrument]) -> Iterator[list[Instrument]]:
        """Groups of instruments that are read from the file together."""
        total = int(self._file.rows.select(pl.len()).collect().item())
        each = max(1, round(_PART_ROWS * len(self._named) / max(total, 1)))
        for start in range(0, len(instruments), each):
            yield instruments[start : start + each]

    def _read_part(self, instruments: list[Instrument]) -> Iterator[Fetched]:
        owners = {written: instrument for instrument in instruments for written in self._named[instrument]}
        tickers = {ticker for ticker, _ in owners}
        rows = self._file.rows.filter(pl.col("ticker").is_in(list(tickers))).collect()
        by = ["ticker", "exchange"] if "exchange" in rows.columns else ["ticker"]
        parts: dict[Instrument, list[pl.DataFrame]] = {instrument: [] for instrument in instruments}
        for key, frame in rows.partition_by(by, as_dict=True).items():
            owner = owners.get((key[0], key[1] if len(key) > 1 else None))
            if owner is not None:
                parts[owner].append(frame)
        for instrument, frames in parts.items():
            yield _interpret(instrument, pl.concat(frames).sort(ROW_NUMBER), self._file)

    def _one(self, instrument: Instrument) -> Fetched:
        return _interpret(instrument, self._file.rows.collect(), self._file)

    def _absent(self, instrument: Instrument) -> Fetched:
        return Fetched(instrument, error=f"{self._path} has no rows of {instrument}")


def _interpret(instrument: Instrument, written: pl.DataFrame, file: OpenedFile) -> Fetched:
    """Read dates and numbers; a row with text in place of one is rejected, with what it says."""
    session, faulty = dates(written["session"], name="date")
    reason = _complaint("date", "expected a day like 2024-01-31, got '{}'", written["session"], faulty)
    columns = {ROW_NUMBER: written[ROW_NUMBER].cast(pl.Int64), "session": session}
    for name in _NUMBERS:
        if name in file.columns:
            columns[name], faulty = numbers(written[name])
            complaint = _complaint(name, "expected a number, got '{}'", written[name], faulty)
            reason = reason.zip_with(reason.is_not_null(), complaint)
    rows, notes = _complete(pl.DataFrame(columns).with_columns(reason=reason), instrument, file)
    return Fetched(
        instrument,
        rows.filter(pl.col("reason").is_null()).select(pl.col(name).cast(kind) for name, kind in SOURCE_SCHEMA.items()),
        rows.filter(pl.col("reason").is_not_null()).select(
            pl.col(name).cast(kind) for name, kind in REJECTED_SCHEMA.items()
        ),
        notes=tuple(notes),
    )


def _complaint(name: str, complaint: str, written: pl.Series, faulty: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"written": written.cast(pl.String), "faulty": faulty})
    text = pl.format(f"{name}: {complaint}", "written")
    return frame.select(pl.when("faulty").then(text).alias("reason"))["reason"]


def _complete(rows: pl.DataFrame, instrument: Instrument, file: OpenedFile) -> tuple[pl.DataFrame, list[str]]:
    """Fill what the file has no columns for, and say so."""
    rows = rows.with_columns(
        exchange=pl.lit(instrument.exchange), ticker=pl.lit(instrument.ticker), source=pl.lit(FileSource.name)
    )
    notes = []
    if "close" not in file.columns:
        rows = rows.with_columns(close="adj_close")
        notes.append("no close column: adj close is taken as the close")
    if absent := [name for name in ("open", "high", "low") if name not in file.columns]:
        rows = rows.with_columns(pl.col("close").alias(name) for name in absent)
        notes.append(f"no column for {', '.join(absent)}: taken equal to close")
    if "volume" not in file.columns:
        rows = rows.with_columns(volume=pl.lit(0.0))
        notes.append("no volume column: taken as zero")
    if "adj_close" not in file.columns:
        rows = rows.with_columns(adj_close=pl.lit(None, dtype=pl.Float64))
    return _with_actions(rows, file, notes), notes


def _with_actions(rows: pl.DataFrame, file: OpenedFile, notes: list[str]) -> pl.DataFrame:
    if {"dividend", "split"} & file.columns:
        # A column that says nothing in most rows means no dividend and no split there; Yahoo writes 0 for no split.
        dividend = pl.col("dividend").fill_null(0.0) if "dividend" in file.columns else pl.lit(0.0)
        split = pl.col("split").replace(0.0, 1.0).fill_null(1.0) if "split" in file.columns else pl.lit(1.0)
        rows = rows.with_columns(dividend=dividend, split=split)
        if are_split_adjusted(rows):
            notes.append("the prices were adjusted for splits already: undone")
            rows = undo_splits(rows)
        return rows
    if {"close", "adj_close"} <= file.columns:
        notes.append("no columns for dividends and splits: read out of adj close")
        usable = (pl.col("close") > 0) & (pl.col("adj_close") > 0) & pl.col("session").is_not_null()
        usable = (usable & pl.col("reason").is_null()).fill_null(value=False)
        known = with_implied_actions(rows.filter(usable).sort("session"))
        other = rows.filter(~usable).with_columns(dividend=pl.lit(0.0), split=pl.lit(1.0))
        return pl.concat([known, other.select(known.columns)]).sort(ROW_NUMBER)
    return rows.with_columns(dividend=pl.lit(0.0), split=pl.lit(1.0))
