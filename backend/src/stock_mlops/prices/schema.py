"""The frames that prices travel in. One vocabulary from the source to the chart."""

from __future__ import annotations

import polars as pl

INSTRUMENT = ("exchange", "ticker")
KEYS = ("exchange", "ticker", "session")
OHLC = ("open", "high", "low", "close")

RAW_SCHEMA: dict[str, pl.DataType] = {
    "exchange": pl.String(),
    "ticker": pl.String(),
    "session": pl.Date(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "dividend": pl.Float64(),
    "split": pl.Float64(),
    "adj_close": pl.Float64(),
    "source": pl.String(),
}
"""As traded: open..close in the instrument's currency and volume in shares, both of that day, neither split- nor
dividend-adjusted; dividend per share of that day, 0 without one; split 1 without one, 2.0 when one share became two
before the session; adj_close what the source itself says, or null."""

ROW_NUMBER = "row_number"
"""Where a row stands in what the source read: the line of a CSV file (the header is line 1), else the row."""

SOURCE_SCHEMA: dict[str, pl.DataType] = {**RAW_SCHEMA, ROW_NUMBER: pl.Int64()}
REJECTED_SCHEMA: dict[str, pl.DataType] = {**SOURCE_SCHEMA, "reason": pl.String()}

CLEAN_SCHEMA: dict[str, pl.DataType] = {
    "exchange": pl.String(),
    "ticker": pl.String(),
    "session": pl.Date(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "raw_close": pl.Float64(),
    "factor": pl.Float64(),
    "dividend": pl.Float64(),
    "split": pl.Float64(),
    "source": pl.String(),
}
"""open..close times factor (splits and dividends, anchored at the newest session), volume in shares of the newest
session, raw_close as traded."""
