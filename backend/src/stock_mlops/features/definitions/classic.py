"""The sixteen classic columns, in price and volume units. They travel with the price level, so no model gets them by
default; charts and rules do."""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import (
    CLOSE,
    HIGH,
    LOW,
    MACD,
    MACD_LOOKBACK,
    MACD_SIGNAL,
    OPEN,
    SIGNAL_LOOKBACK,
    VOLUME,
    deviation,
    ema,
    ema_warm_up,
    mean,
)
from stock_mlops.features.registry import Feature


def _classic(name: str, lookback: int, expression: pl.Expr, source: str = "close") -> Feature:
    return Feature(name, "classic", (source,), lookback, expression, stationary=False)


FEATURES = (
    _classic("open", 0, OPEN, "open"),
    _classic("high", 0, HIGH, "high"),
    _classic("low", 0, LOW, "low"),
    _classic("close", 0, CLOSE),
    _classic("volume", 0, VOLUME, "volume"),
    _classic("MA5", 4, mean(CLOSE, 5)),
    _classic("MA10", 9, mean(CLOSE, 10)),
    _classic("EMA12", ema_warm_up(12), ema(CLOSE, 12)),
    _classic("EMA26", ema_warm_up(26), ema(CLOSE, 26)),
    _classic("MACD", MACD_LOOKBACK, MACD),
    _classic("MACD_signal", SIGNAL_LOOKBACK, MACD_SIGNAL),
    _classic("MACD_hist", SIGNAL_LOOKBACK, MACD - MACD_SIGNAL),
    _classic("BB_upper", 19, mean(CLOSE, 20) + 2 * deviation(CLOSE, 20)),
    _classic("BB_middle", 19, mean(CLOSE, 20)),
    _classic("BB_lower", 19, mean(CLOSE, 20) - 2 * deviation(CLOSE, 20)),
    _classic("VOL_MA10", 9, mean(VOLUME, 10), "volume"),
)
