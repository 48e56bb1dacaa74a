"""Price rows that look like prices: a random walk per ticker, with splits and dividends now and then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from stock_mlops.instruments import sessions_of

LAST_SESSION = date(2024, 12, 31)
_TICKERS_AT_ONCE = 50
_QUARTER, _SPLIT_EVERY = 63, 2500


def write_file(path: Path, tickers: int, sessions: int, seed: int = 1) -> None:
    """Write ``tickers`` x ``sessions`` rows, ticker by ticker, in bounded memory."""
    writer: pq.ParquetWriter | None = None
    for frame in frames(tickers, sessions, np.random.default_rng(seed)):
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def frames(
    tickers: int, sessions: int, rng: np.random.Generator, at_once: int = _TICKERS_AT_ONCE
) -> Iterator[pl.DataFrame]:
    """ticker, date and prices of ``at_once`` tickers after the other."""
    calendar = sessions_of("US")
    days = calendar.array(calendar.previous(LAST_SESSION, sessions - 1), LAST_SESSION)
    for first in range(0, tickers, at_once):
        count = min(at_once, tickers - first)
        names = [f"S{number:05d}" for number in range(first, first + count)]
        yield pl.DataFrame(
            {
                "ticker": np.repeat(names, sessions),
                "date": np.tile(days, count),
                **{name: values.ravel() for name, values in _walk(count, sessions, rng).items()},
            }
        )


def _walk(tickers: int, sessions: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    shape = (tickers, sessions)
    split = np.ones(shape)
    split[:, _SPLIT_EVERY::_SPLIT_EVERY] = 2.0
    close = 100 * np.exp(np.cumsum(rng.normal(0.0002, 0.012, shape), axis=1)) / np.cumprod(split, axis=1)
    close = np.maximum(np.round(close, 4), 0.01)
    opened = np.round(close * np.exp(rng.normal(0, 0.004, shape)), 4)
    dividend = np.zeros(shape)
    dividend[:, _QUARTER::_QUARTER] = np.round(close[:, _QUARTER::_QUARTER] * 0.004, 2)
    return {
        "open": opened,
        "high": np.round(np.maximum(opened, close) * 1.004, 4),
        "low": np.round(np.minimum(opened, close) * 0.996, 4),
        "close": close,
        "volume": np.round(np.exp(rng.normal(14, 0.5, shape))),
        "dividends": dividend,
        "stock splits": split,
    }
