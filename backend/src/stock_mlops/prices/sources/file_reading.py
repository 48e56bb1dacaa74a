"""Opens a price file of whatever make as one frame, its columns by their usual names."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stock_mlops.prices.schema import ROW_NUMBER
from stock_mlops.prices.sources.base import SourceError

_ALIASES: dict[str, tuple[str, ...]] = {
    "session": ("date", "session", "day", "timestamp", "datetime", "time", "tradedate", "tradingdate", "pricedate"),
    "open": ("open", "o", "openprice", "opening"),
    "high": ("high", "h", "highprice", "max"),
    "low": ("low", "l", "lowprice", "min"),
    "close": ("close", "c", "closeprice", "closelast", "last", "price", "closing", "rawclose"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "adjcloseprice", "adjustedcloseprice"),
    "volume": ("volume", "vol", "v", "shares", "tradedvolume", "volumeshares"),
    "dividend": ("dividend", "dividends", "div", "divcash", "dividendamount", "exdividend"),
    "split": ("split", "splits", "stocksplit", "stocksplits", "splitfactor", "splitratio", "splitcoefficient"),
    "ticker": ("ticker", "symbol", "tic", "instrument", "code", "act_symbol"),
    "exchange": ("exchange", "market", "mic"),
}
_BY_ALIAS = {re.sub(r"[^a-z0-9]", "", alias): name for name, aliases in _ALIASES.items() for alias in aliases}

_DELIMITERS = ",;\t|"
_FIRST_DATA_LINE = 2


@dataclass(frozen=True)
class OpenedFile:
    """A file's table, not yet read where its format allows that."""

    rows: pl.LazyFrame
    """The recognised columns as the file has them, and ``row_number``."""
    columns: frozenset[str]


def open_file(path: Path, columns: Mapping[str, str] | None = None) -> OpenedFile:
    """Open a CSV or Parquet file, told apart by content.

    Args:
        columns: the file's names of our columns, where they are not among the usual ones: ``{"close": "Px Last"}``.

    Raises:
        SourceError: there is no such file, it is neither, or its columns are not those of prices.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(64 * 1024)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    if not head.strip():
        raise SourceError(f"{path}: is empty; expected a CSV or Parquet file of prices")
    table = _open_parquet(path) if head.startswith(b"PAR1") else _open_csv(path, head)
    given = [name for name in table.collect_schema().names() if name != ROW_NUMBER]
    names = _recognise(path, given, _named(path, given, columns or {}))
    selected = [pl.col(given).alias(name) for name, given in names.items()]
    return OpenedFile(table.select(ROW_NUMBER, *selected), frozenset(names))


def _open_parquet(path: Path) -> pl.LazyFrame:
    try:
        table = pl.scan_parquet(path, row_index_name=ROW_NUMBER, row_index_offset=1)
        table.collect_schema()
    except pl.exceptions.PolarsError as error:
        raise SourceError(f"{path}: is not a readable Parquet file: {error}") from error
    return table


def _open_csv(path: Path, head: bytes) -> pl.LazyFrame:
    try:
        first_line = head.decode("utf-8-sig", errors="strict" if len(head) < 64 * 1024 else "ignore").splitlines()[0]
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: expected CSV in UTF-8 or Parquet, found a byte that is neither") from error
    delimiter = max(_DELIMITERS, key=first_line.count)
    try:
        table = pl.read_csv(
            path,
            separator=delimiter,
            infer_schema=False,
            row_index_name=ROW_NUMBER,
            row_index_offset=_FIRST_DATA_LINE,
        )
    except pl.exceptions.PolarsError as error:
        raise SourceError(_explain(path, delimiter, error)) from error
    given = [name for name in table.columns if name != ROW_NUMBER]
    # A blank line is no row; it counts as a line.
    return table.filter(~pl.all_horizontal(pl.col(given).is_null())).lazy()


def _explain(path: Path, delimiter: str, error: Exception) -> str:
    """Name the line that a CSV file breaks at; the parser's own message does not."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        expected = len(next(reader, []))
        for row in reader:
            if len(row) > expected:
                return f"{path}: line {reader.line_num} has {len(row)} fields, expected {expected}"
    return f"{path}: is not a readable CSV file: {error}"


def _named(path: Path, given: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """The columns that the caller named, checked."""
    for name, column in columns.items():
        if name not in _ALIASES and name != "date":
            known = ", ".join(list(_ALIASES)[1:])
            raise SourceError(f"columns: expected names among date, {known}, got {name!r}", about="columns")
        if column not in given:
            raise SourceError(
                f"{path}: no column {column!r} (named for {name}); the columns are: {', '.join(given)}", about="columns"
            )
    return {"session" if name == "date" else name: column for name, column in columns.items()}


def _recognise(path: Path, given: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    """The file's columns by our names: the ones named, else by alias. One that means nothing to us is left out."""
    names = dict(named)
    for column in given:
        if column in named.values():
            continue
        name = _BY_ALIAS.get(re.sub(r"[^a-z0-9]", "", column.lower()))
        if name is None or name in named:
            continue
        if name in names:
            raise SourceError(f"{path}: the columns {names[name]!r} and {column!r} both mean {name}; leave one of them")
        names[name] = column
    found = ", ".join(given)
    if "session" not in names:
        raise SourceError(f"{path}: no date column (expected one named date); the columns are: {found}")
    if "close" not in names and "adj_close" not in names:
        raise SourceError(f"{path}: no price column (expected one named close or adj close); the columns are: {found}")
    return names
