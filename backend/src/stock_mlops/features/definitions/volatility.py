"""How much the price moves."""

from __future__ import annotations

import math

import polars as pl

from stock_mlops.features.definitions.indicators import (
    CLOSE,
    HIGH,
    LOG_RETURN,
    LOW,
    OPEN,
    TRUE_RANGE,
    WINDOWS,
    before,
    highest,
    lowest,
    mean,
    per_price,
    ratio,
    sample_deviation,
    share,
    variance,
    warm_up,
    wilder,
)
from stock_mlops.features.intermediates import derived, window
from stock_mlops.features.registry import Feature

_GROUP = "volatility"


_OHLC = ("open", "high", "low", "close")
_LONG = (20, 60)

_RANGE = derived("log_range", (HIGH / LOW).log())
_BODY = derived("log_body", (CLOSE / OPEN).log())
_OVERNIGHT = derived("overnight_return", (OPEN / before(CLOSE)).log())
_SQUARED_RANGE = derived("squared_range", _RANGE * _RANGE)
_GARMAN_KLASS = derived("garman_klass", 0.5 * _RANGE * _RANGE - (2 * math.log(2) - 1) * _BODY * _BODY)
_ROGERS_SATCHELL = derived(
    "rogers_satchell", (HIGH / CLOSE).log() * (HIGH / OPEN).log() + (LOW / CLOSE).log() * (LOW / OPEN).log()
)
_NEGATIVE = LOG_RETURN.clip(upper_bound=0)
_SQUARED_LOSS = derived("squared_loss", _NEGATIVE * _NEGATIVE)


def _parkinson(n: int) -> pl.Expr:
    """Parkinson's estimate of a session's volatility from its high and low (1980)."""
    return (mean(_SQUARED_RANGE, n) / (4 * math.log(2))).sqrt()


def _root_of_mean(variances: pl.Expr, n: int) -> pl.Expr:
    """Root of the mean of variances, which rounding may have put below 0."""
    return mean(variances, n).clip(lower_bound=0).sqrt()


def _yang_zhang(n: int) -> pl.Expr:
    """Yang and Zhang's estimate (2000), which takes gaps and drift into account."""
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    squared = variance(_OVERNIGHT, n) + k * variance(_BODY, n) + (1 - k) * mean(_ROGERS_SATCHELL, n)
    return squared.clip(lower_bound=0).sqrt()


def _skewness(n: int) -> pl.Expr:
    """Of the window itself, g1; 0 where the returns are equal."""
    return ratio(math.sqrt(n) * window("m3", LOG_RETURN, rows=n), _squares(n) * _squares(n).sqrt(), neutral=0.0)


def _kurtosis(n: int) -> pl.Expr:
    """Of the window itself, in excess of the normal distribution's, g2; 0 where the returns are equal."""
    return ratio(n * window("m4", LOG_RETURN, rows=n), (_squares(n) * _squares(n)), neutral=3.0) - 3


def _squares(n: int) -> pl.Expr:
    return window("m2", LOG_RETURN, rows=n)


FEATURES = (
    *(
        Feature(f"volatility_{n}", _GROUP, ("close",), n, sample_deviation(LOG_RETURN, n), default=True)
        for n in (5, 10, 20, 60)
    ),
    Feature(
        "volatility_ratio_5_20",
        _GROUP,
        ("close",),
        20,
        share(sample_deviation(LOG_RETURN, 5), sample_deviation(LOG_RETURN, 20), neutral=1.0),
        default=True,
    ),
    Feature("range_1", _GROUP, ("high", "low"), 0, _RANGE, default=True),
    Feature("parkinson_20", _GROUP, ("high", "low"), 19, _parkinson(20), default=True),
    Feature(
        "atr_14_ratio",
        _GROUP,
        ("high", "low", "close"),
        1 + warm_up(1 / 14),
        per_price(wilder(TRUE_RANGE, 14)),
        default=True,
    ),
    Feature("volatility_30", _GROUP, ("close",), 30, sample_deviation(LOG_RETURN, 30)),
    Feature(
        "volatility_ratio_20_60",
        _GROUP,
        ("close",),
        60,
        ratio(sample_deviation(LOG_RETURN, 20), sample_deviation(LOG_RETURN, 60), neutral=1.0),
    ),
    # Of prices, as in Alpha158 (Qlib).
    *(Feature(f"STD{n}", _GROUP, ("close",), n - 1, per_price(sample_deviation(CLOSE, n))) for n in WINDOWS),
    Feature("parkinson_60", _GROUP, ("high", "low"), 59, _parkinson(60)),
    # Garman and Klass (1980), Rogers and Satchell (1991).
    *(Feature(f"garman_klass_{n}", _GROUP, _OHLC, n - 1, _root_of_mean(_GARMAN_KLASS, n)) for n in _LONG),
    *(Feature(f"rogers_satchell_{n}", _GROUP, _OHLC, n - 1, _root_of_mean(_ROGERS_SATCHELL, n)) for n in _LONG),
    *(Feature(f"yang_zhang_{n}", _GROUP, _OHLC, n, _yang_zhang(n)) for n in _LONG),
    # Sortino's deviation below a return of 0.
    *(Feature(f"downside_volatility_{n}", _GROUP, ("close",), n, mean(_SQUARED_LOSS, n).sqrt()) for n in _LONG),
    *(Feature(f"skewness_{n}", _GROUP, ("close",), n, _skewness(n)) for n in _LONG),
    *(Feature(f"kurtosis_{n}", _GROUP, ("close",), n, _kurtosis(n)) for n in _LONG),
    # The best and the worst session: a lottery's appeal (Bali, Cakici and Whitelaw, 2011).
    Feature("max_return_20", _GROUP, ("close",), 20, highest(LOG_RETURN, 20)),
    Feature("min_return_20", _GROUP, ("close",), 20, lowest(LOG_RETURN, 20)),
)
