"""Where the price stands against its averages, bands and extremes, as shares of the price."""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import (
    CLOSE,
    HIGH,
    LOW,
    MACD,
    MACD_LOOKBACK,
    MACD_SIGNAL,
    SIGNAL_LOOKBACK,
    TRUE_RANGE,
    WINDOWS,
    before,
    deviation,
    ema,
    ema_warm_up,
    highest,
    lowest,
    mean,
    per_price,
    ratio,
    share,
    warm_up,
    wilder,
)
from stock_mlops.features.intermediates import derived, window
from stock_mlops.features.registry import Feature

_GROUP = "trend"
_HLC = ("high", "low", "close")
_ADX = 14
_DI_LOOKBACK = 1 + warm_up(1 / _ADX)
# The index starts where the two lines do, 14 sessions on, and has its own start to forget.
_ADX_LOOKBACK = _DI_LOOKBACK + _ADX + warm_up(1 / _ADX)

# Of Bollinger's bands, as a share of their middle.
_SPREAD = deviation(CLOSE, 20) / mean(CLOSE, 20)

_RISE, _DROP = HIGH - before(HIGH), before(LOW) - LOW


def _movement(ours: pl.Expr, theirs: pl.Expr) -> pl.Expr:
    """Wilder's directional movement: how far the range went one way, 0 where it went farther the other way."""
    return pl.when((ours > theirs) & (ours > 0)).then(ours).when(ours.is_not_null()).then(0.0)


def _line(movement: pl.Expr) -> pl.Expr:
    """Wilder's directional indicator, 0 to 100."""
    return ratio(100 * wilder(movement, _ADX), wilder(TRUE_RANGE, _ADX), neutral=0.0)


_PLUS = derived("plus_di", _line(derived("plus_movement", _movement(_RISE, _DROP))))
_MINUS = derived("minus_di", _line(derived("minus_movement", _movement(_DROP, _RISE))))
_DIRECTION = derived("directional_index", ratio(100 * (_PLUS - _MINUS).abs(), _PLUS + _MINUS, neutral=0.0))


# The regression line of the closes of n sessions on time, by its sums of squares and products of deviations.
def _time_squares(n: int) -> float:
    return n * (n * n - 1) / 12


def _slope(n: int) -> pl.Expr:
    """In price units per session."""
    return window("trend", CLOSE, rows=n) / _time_squares(n)


def _explained(n: int) -> pl.Expr:
    """R2 of the line; 0 where the price stands still."""
    squares = _time_squares(n) * window("m2", CLOSE, rows=n)
    return ratio(window("trend", CLOSE, rows=n) * window("trend", CLOSE, rows=n), squares, neutral=0.0).clip(0.0, 1.0)


def _residual(n: int) -> pl.Expr:
    """How far the last close is above the line."""
    return CLOSE - mean(CLOSE, n) - _slope(n) * ((n - 1) / 2)


FEATURES = (
    *(
        Feature(f"close_to_ma{n}", _GROUP, ("close",), n - 1, CLOSE / mean(CLOSE, n) - 1, default=True)
        for n in (5, 10, 20, 60)
    ),
    *(
        Feature(f"close_to_ema{n}", _GROUP, ("close",), ema_warm_up(n), CLOSE / ema(CLOSE, n) - 1, default=True)
        for n in (12, 26)
    ),
    Feature("macd_ratio", _GROUP, ("close",), MACD_LOOKBACK, per_price(MACD), default=True),
    Feature("macd_signal_ratio", _GROUP, ("close",), SIGNAL_LOOKBACK, per_price(MACD_SIGNAL), default=True),
    Feature("macd_hist_ratio", _GROUP, ("close",), SIGNAL_LOOKBACK, per_price(MACD - MACD_SIGNAL), default=True),
    # 1 at the upper band, -1 at the lower one.
    Feature(
        "bb_position",
        _GROUP,
        ("close",),
        19,
        share(CLOSE - mean(CLOSE, 20), 2 * deviation(CLOSE, 20), neutral=0.0),
        default=True,
    ),
    Feature("bb_width", _GROUP, ("close",), 19, 4 * _SPREAD, default=True),
    Feature("high_20_distance", _GROUP, ("high", "close"), 19, (CLOSE / highest(HIGH, 20)).log(), default=True),
    Feature("low_20_distance", _GROUP, ("low", "close"), 19, (CLOSE / lowest(LOW, 20)).log(), default=True),
    Feature("close_to_ma30", _GROUP, ("close",), 29, CLOSE / mean(CLOSE, 30) - 1),
    *(
        Feature(f"ma_ratio_{short}_{long}", _GROUP, ("close",), long - 1, mean(CLOSE, short) / mean(CLOSE, long) - 1)
        for short, long in ((5, 20), (20, 60))
    ),
    # As in Alpha158 (Qlib).
    *(Feature(f"BETA{n}", _GROUP, ("close",), n - 1, per_price(_slope(n))) for n in WINDOWS),
    *(Feature(f"RSQR{n}", _GROUP, ("close",), n - 1, _explained(n)) for n in WINDOWS),
    *(Feature(f"RESI{n}", _GROUP, ("close",), n - 1, per_price(_residual(n))) for n in WINDOWS),
    Feature("plus_di_14", _GROUP, _HLC, _DI_LOOKBACK, _PLUS),
    Feature("minus_di_14", _GROUP, _HLC, _DI_LOOKBACK, _MINUS),
    Feature("adx_14", _GROUP, _HLC, _ADX_LOOKBACK, wilder(_DIRECTION, _ADX)),
)
