"""How much the price moves."""

from __future__ import annotations

import math

import polars as pl

from stock_mlops.features.definitions.indicators import (
    HIGH,
    LOW,
    log_return,
    per_price,
    share,
    true_range,
    warm_up,
    wilder,
)
from stock_mlops.features.registry import Feature

_GROUP = "volatility"


def _parkinson(window: int) -> pl.Expr:
    """Parkinson's estimate of a session's volatility from its high and low (1980)."""
    squared = (HIGH / LOW).log() ** 2
    return (squared.rolling_mean(window) / (4 * math.log(2))).sqrt()


FEATURES = (
    *(
        Feature(f"volatility_{n}", _GROUP, ("close",), n, log_return().rolling_std(n), default=True)
        for n in (5, 10, 20, 60)
    ),
    Feature(
        "volatility_ratio_5_20",
        _GROUP,
        ("close",),
        20,
        share(log_return().rolling_std(5), log_return().rolling_std(20), neutral=1.0),
        default=True,
    ),
    Feature("range_1", _GROUP, ("high", "low"), 0, (HIGH / LOW).log(), default=True),
    Feature("parkinson_20", _GROUP, ("high", "low"), 19, _parkinson(20), default=True),
    Feature(
        "atr_14_ratio",
        _GROUP,
        ("high", "low", "close"),
        1 + warm_up(1 / 14),
        per_price(wilder(true_range(), 14)),
        default=True,
    ),
)
