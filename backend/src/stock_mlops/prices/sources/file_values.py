"""Dates and numbers out of whatever a file writes them as."""

from __future__ import annotations

import polars as pl

from stock_mlops.prices.sources.base import SourceError

# How files write that there is no value.
_NOTHING = ("", "null", "none", "nan", "na", "n/a", "-", "--")

# Of a date in ISO or compact form the rest of a timestamp is cut off: the day it shows is the exchange's own.
_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d-%b-%Y", "%b %d, %Y")
_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
_ISO_LENGTH = 10

_MILLISECONDS_FROM = 100_000_000_000
"""Seconds since 1970 reach it in the year 5138; larger numbers are milliseconds."""
_COMPACT_UNTIL = 99_999_999
"""A number up to eight digits is a compact date (20240131)."""


def numbers(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The numbers that ``values`` write (Float64, null where there is none), and which of them are text instead.

    A currency sign before a number and commas between its thousands are understood.
    """
    if values.dtype.is_numeric() or values.dtype == pl.Null:
        return values.cast(pl.Float64), pl.repeat(value=False, n=len(values), dtype=pl.Boolean, eager=True)
    text = values.cast(pl.String).str.strip_chars()
    nothing = text.is_null() | text.str.to_lowercase().is_in(_NOTHING)
    parsed = text.cast(pl.Float64, strict=False)
    plain = text.str.strip_prefix("$").str.replace_all(r"(\d),(\d{3})", "$1$2").str.replace_all(r"(\d),(\d{3})", "$1$2")
    is_money = text.str.contains(r"^\$?-?\d{1,3}(,\d{3})*(\.\d+)?$|^\$-?\d+(\.\d+)?$")
    frame = pl.DataFrame({"parsed": parsed, "plain": plain, "is_money": is_money, "nothing": nothing})
    result = frame.select(
        pl.when("nothing")
        .then(None)
        .otherwise(pl.coalesce("parsed", pl.when("is_money").then(pl.col("plain").cast(pl.Float64, strict=False))))
        .alias("value")
    )["value"]
    return result, result.is_null() & ~nothing


def dates(values: pl.Series, *, name: str) -> tuple[pl.Series, pl.Series]:
    """The days that ``values`` write (null where there is none), and which of them are something else.

    Raises:
        SourceError: day and month cannot be told apart.
    """
    if isinstance(values.dtype, pl.Datetime) or values.dtype == pl.Date:
        return values.dt.date(), pl.repeat(value=False, n=len(values), dtype=pl.Boolean, eager=True)
    if values.dtype.is_numeric():
        days = _from_numbers(values.cast(pl.Int64, strict=False))
        return days, days.is_null() & values.is_not_null()
    text = values.cast(pl.String).str.strip_chars()
    nothing = text.is_null() | text.str.to_lowercase().is_in(_NOTHING)
    days = _from_text(text, name)
    return days, days.is_null() & ~nothing


def _from_numbers(values: pl.Series) -> pl.Series:
    number = pl.col("number")
    return (
        pl.DataFrame({"number": values})
        .select(
            pl.when(number <= _COMPACT_UNTIL)
            .then(number.cast(pl.String).str.to_date("%Y%m%d", strict=False))
            .when(number >= _MILLISECONDS_FROM)
            .then(pl.from_epoch(number, "ms").dt.date())
            .otherwise(pl.from_epoch(number, "s").dt.date())
        )
        .to_series()
    )


def _from_text(text: pl.Series, name: str) -> pl.Series:
    """By the format that understands most; within one file all dates are written alike."""
    shown = text.str.replace(r"[T ]\d{1,2}:.*$", "")
    best = shown.str.slice(0, _ISO_LENGTH).str.to_date(_FORMATS[0], strict=False)
    for pattern in _FORMATS[1:]:
        days = shown.str.to_date(pattern, strict=False)
        best = days if days.count() > best.count() else best
    slashed = [shown.str.to_date(pattern, strict=False) for pattern in (_MONTH_FIRST, _DAY_FIRST)]
    most = max(days.count() for days in slashed)
    if most > best.count():
        if slashed[0].count() == slashed[1].count() and not slashed[0].equals(slashed[1]):
            raise SourceError(
                f"{name}: dates like {shown.drop_nulls()[0]!r} can be month/day or day/month; write them as 2024-01-31"
            )
        best = max(slashed, key=lambda days: days.count())
    if best.count() == 0 and text.drop_nulls().str.contains(r"^\d{9,13}$").any():
        return _from_numbers(text.cast(pl.Int64, strict=False))
    return best
