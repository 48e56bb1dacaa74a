"""Expressions that several definitions share. Each is evaluated over one ticker's rows in the order of its sessions."""

from __future__ import annotations

import math

import polars as pl

OPEN, HIGH, LOW, CLOSE, VOLUME = (pl.col(name) for name in ("open", "high", "low", "close", "volume"))

# An exponential average forgets its start by the factor (1 - alpha) per session; 1e-10 leaves room for the ratio of the
# first price to the present one.
_FORGOTTEN = 1e-10

# A rolling window over equal values leaves such residues of its running sums.
_NOTHING = 1e-9


def mean(values: pl.Expr, window: int) -> pl.Expr:
    return values.rolling_mean(window)


def deviation(values: pl.Expr, window: int) -> pl.Expr:
    """Standard deviation of the window itself (ddof 0), as Bollinger defined his bands."""
    return values.rolling_std(window, ddof=0)


def ema(values: pl.Expr, span: int) -> pl.Expr:
    """Exponential average with alpha = 2 / (span + 1), started at the first value, null before ``span`` values."""
    return values.ewm_mean(span=span, adjust=False, min_samples=span)


def wilder(values: pl.Expr, window: int) -> pl.Expr:
    """Wilder's average: exponential with alpha = 1 / window."""
    return values.ewm_mean(alpha=1 / window, adjust=False, min_samples=window)


def warm_up(alpha: float) -> int:
    """Sessions after which an exponential average no longer shows where it began."""
    return math.ceil(math.log(_FORGOTTEN) / math.log(1 - alpha))


def ema_warm_up(span: int) -> int:
    return warm_up(2 / (span + 1))


def log_return(window: int = 1) -> pl.Expr:
    return (CLOSE / CLOSE.shift(window)).log()


def macd() -> pl.Expr:
    """Moving average convergence divergence: EMA12 - EMA26 (Appel)."""
    return ema(CLOSE, 12) - ema(CLOSE, 26)


def macd_signal() -> pl.Expr:
    return ema(macd(), 9)


MACD_LOOKBACK = ema_warm_up(26)
# The signal starts 25 sessions after the averages it smooths, and has its own start to forget.
SIGNAL_LOOKBACK = MACD_LOOKBACK + ema_warm_up(9)


def true_range() -> pl.Expr:
    """The session's range, stretched to the previous close (Wilder)."""
    before = CLOSE.shift(1)
    return pl.max_horizontal(HIGH, before) - pl.min_horizontal(LOW, before)


def per_price(values: pl.Expr) -> pl.Expr:
    """A price-like value as a share of the close."""
    return values / CLOSE


def share(part: pl.Expr, whole: pl.Expr, *, neutral: float) -> pl.Expr:
    """``part / whole``, and ``neutral`` where ``whole`` is nothing, as when the price stands still or nobody trades.

    A null would cost every model these rows, and a source without volumes all of them.
    """
    return pl.when(whole.abs() > _NOTHING).then(part / whole).when(whole.abs() <= _NOTHING).then(neutral)
