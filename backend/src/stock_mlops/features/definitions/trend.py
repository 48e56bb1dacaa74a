"""Where the price stands against its averages, bands and extremes, as shares of the price."""

from __future__ import annotations

from stock_mlops.features.definitions.indicators import (
    CLOSE,
    HIGH,
    LOW,
    MACD_LOOKBACK,
    SIGNAL_LOOKBACK,
    deviation,
    ema,
    ema_warm_up,
    macd,
    macd_signal,
    mean,
    per_price,
    share,
)
from stock_mlops.features.registry import Feature

_GROUP = "trend"
# Of Bollinger's bands, as shares of their middle.
_DISTANCE = CLOSE / mean(CLOSE, 20) - 1
_SPREAD = deviation(CLOSE, 20) / mean(CLOSE, 20)

FEATURES = (
    *(
        Feature(f"close_to_ma{n}", _GROUP, ("close",), n - 1, CLOSE / mean(CLOSE, n) - 1, default=True)
        for n in (5, 10, 20, 60)
    ),
    *(
        Feature(f"close_to_ema{n}", _GROUP, ("close",), ema_warm_up(n), CLOSE / ema(CLOSE, n) - 1, default=True)
        for n in (12, 26)
    ),
    Feature("macd_ratio", _GROUP, ("close",), MACD_LOOKBACK, per_price(macd()), default=True),
    Feature("macd_signal_ratio", _GROUP, ("close",), SIGNAL_LOOKBACK, per_price(macd_signal()), default=True),
    Feature("macd_hist_ratio", _GROUP, ("close",), SIGNAL_LOOKBACK, per_price(macd() - macd_signal()), default=True),
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
    Feature("high_20_distance", _GROUP, ("high", "close"), 19, (CLOSE / HIGH.rolling_max(20)).log(), default=True),
    Feature("low_20_distance", _GROUP, ("low", "close"), 19, (CLOSE / LOW.rolling_min(20)).log(), default=True),
)
