"""Expressions that several definitions share. Each is evaluated over one ticker's rows in the order of its sessions."""

from __future__ import annotations

import math

import polars as pl

from stock_mlops.features.intermediates import derived, exponential_average, window

OPEN, HIGH, LOW, CLOSE, VOLUME = (pl.col(name) for name in ("open", "high", "low", "close", "volume"))

WINDOWS = (5, 10, 20, 30, 60)
"""Of the features in the manner of Alpha158 (Yang et al., Qlib, 2020), in sessions: a week to a quarter."""

# An exponential average forgets its start by the factor (1 - alpha) per session; 1e-10 leaves room for the ratio of the
# first price to the present one.
_FORGOTTEN = 1e-10

# What a price or a volume is nothing beside.
_NOTHING = 1e-9


def before(values: pl.Expr, sessions: int = 1) -> pl.Expr:
    """The value of so many sessions ago."""
    return window("lag", values, rows=sessions)


def total(values: pl.Expr, sessions: int) -> pl.Expr:
    return window("sum", values, rows=sessions)


def mean(values: pl.Expr, sessions: int) -> pl.Expr:
    return total(values, sessions) / sessions


def highest(values: pl.Expr, sessions: int) -> pl.Expr:
    return values if sessions == 1 else window("max", values, rows=sessions)


def lowest(values: pl.Expr, sessions: int) -> pl.Expr:
    return values if sessions == 1 else window("min", values, rows=sessions)


def variance(values: pl.Expr, sessions: int) -> pl.Expr:
    """Sample variance (ddof 1)."""
    return window("m2", values, rows=sessions) / (sessions - 1)


def deviation(values: pl.Expr, sessions: int) -> pl.Expr:
    """Standard deviation of the window itself (ddof 0), as Bollinger defined his bands."""
    return (window("m2", values, rows=sessions) / sessions).sqrt()


def sample_deviation(values: pl.Expr, sessions: int) -> pl.Expr:
    """Standard deviation (ddof 1)."""
    return variance(values, sessions).sqrt()


def correlation(left: pl.Expr, right: pl.Expr, sessions: int) -> pl.Expr:
    """Pearson's, 0 where one of the two stands still."""
    squares = window("m2", left, rows=sessions) * window("m2", right, rows=sessions)
    return ratio(window("comoment", left, right, rows=sessions), squares.sqrt(), neutral=0.0).clip(-1.0, 1.0)


def ema(values: pl.Expr, span: int) -> pl.Expr:
    """Exponential average with alpha = 2 / (span + 1), started at the first value, null before ``span`` values."""
    return exponential_average(values, alpha=2 / (span + 1), first=span)


def wilder(values: pl.Expr, sessions: int) -> pl.Expr:
    """Wilder's average: exponential with alpha = 1 / sessions."""
    return exponential_average(values, alpha=1 / sessions, first=sessions)


def warm_up(alpha: float) -> int:
    """Sessions after which an exponential average no longer shows where it began."""
    return math.ceil(math.log(_FORGOTTEN) / math.log(1 - alpha))


def ema_warm_up(span: int) -> int:
    return warm_up(2 / (span + 1))


def per_price(values: pl.Expr) -> pl.Expr:
    """A price-like value as a share of the close."""
    return values / CLOSE


def share(part: pl.Expr, whole: pl.Expr, *, neutral: float) -> pl.Expr:
    """``part / whole``, and ``neutral`` where ``whole`` is nothing, as when the price stands still or nobody trades.

    A null would cost every model these rows, and a source without volumes all of them.
    """
    return pl.when(whole.abs() > _NOTHING).then(part / whole).when(whole.abs() <= _NOTHING).then(neutral)


def ratio(part: pl.Expr, whole: pl.Expr, *, neutral: float) -> pl.Expr:
    """``share`` with nothing meaning 0 exactly, which windows over equal values give: the same at any price level."""
    return pl.when(whole == 0).then(neutral).otherwise(part / whole)


def flag(condition: pl.Expr, *, known: pl.Expr) -> pl.Expr:
    """1 where ``condition`` holds and 0 where not, nothing where ``known`` is not."""
    return pl.when(condition).then(1.0).when(known.is_not_null()).then(0.0)


CHANGE = derived("change", CLOSE - before(CLOSE))
GAIN = derived("gain", CHANGE.clip(lower_bound=0))
LOSS = derived("loss", (-CHANGE).clip(lower_bound=0))
UP = derived("up", flag(CHANGE > 0, known=CHANGE))
LOG_RETURN = derived("log_return", (CLOSE / before(CLOSE)).log())
LOG_VOLUME = derived("log_volume", VOLUME.log1p())
LOG_VOLUME_CHANGE = derived("log_volume_change", LOG_VOLUME - before(LOG_VOLUME))
TYPICAL = derived("typical_price", (HIGH + LOW + CLOSE) / 3)
# The session's range, stretched to the previous close (Wilder); the first session has only its own.
TRUE_RANGE = derived("true_range", pl.max_horizontal(HIGH, before(CLOSE)) - pl.min_horizontal(LOW, before(CLOSE)))
# Moving average convergence divergence: EMA12 - EMA26 (Appel).
MACD = derived("macd", ema(CLOSE, 12) - ema(CLOSE, 26))
MACD_SIGNAL = ema(MACD, 9)
MACD_LOOKBACK = ema_warm_up(26)
# The signal starts 25 sessions after the averages it smooths, and has its own start to forget.
SIGNAL_LOOKBACK = MACD_LOOKBACK + ema_warm_up(9)


def log_return(sessions: int = 1) -> pl.Expr:
    return LOG_RETURN if sessions == 1 else (CLOSE / before(CLOSE, sessions)).log()
