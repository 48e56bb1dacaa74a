"""Where the price has gone: log returns, gaps and oscillators."""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import (
    CLOSE,
    GAIN,
    HIGH,
    LOSS,
    LOW,
    OPEN,
    TYPICAL,
    UP,
    before,
    highest,
    log_return,
    lowest,
    mean,
    ratio,
    warm_up,
    wilder,
)
from stock_mlops.features.intermediates import window
from stock_mlops.features.registry import Feature

_GROUP = "momentum"
_HLC = ("high", "low", "close")
_RSI = 14


def _relative_strength() -> pl.Expr:
    """Wilder's RSI, 0 to 100; 50 when the price did not move at all."""
    gain, loss = wilder(GAIN, _RSI), wilder(LOSS, _RSI)
    return pl.when(gain + loss > 0).then(100 * gain / (gain + loss)).when(gain + loss == 0).then(50.0)


def _stochastic(n: int) -> pl.Expr:
    """Lane's %K: where the close stands in the window's range, 0 to 1; the middle when there is no range."""
    low, high = lowest(LOW, n), highest(HIGH, n)
    return pl.when(high > low).then((CLOSE - low) / (high - low)).when(high == low).then(0.5)


def _commodity_channel(n: int) -> pl.Expr:
    """Lambert's index: the typical price's distance from its mean in mean absolute deviations, 1 / 0.015 of them."""
    spread = window("absolute_deviation", TYPICAL, rows=n) / n
    return ratio(TYPICAL - mean(TYPICAL, n), 0.015 * spread, neutral=0.0)


FEATURES = (
    *(Feature(f"return_{n}", _GROUP, ("close",), n, log_return(n), default=True) for n in (1, 2, 3, 5, 10, 20)),
    Feature("gap", _GROUP, ("open", "close"), 1, (OPEN / before(CLOSE)).log(), default=True),
    Feature("intraday_return", _GROUP, ("open", "close"), 0, (CLOSE / OPEN).log(), default=True),
    Feature("rsi_14", _GROUP, ("close",), 1 + warm_up(1 / _RSI), _relative_strength(), default=True),
    Feature("stochastic_14", _GROUP, _HLC, 13, _stochastic(14), default=True),
    Feature("close_location", _GROUP, _HLC, 0, _stochastic(1), default=True),
    Feature("up_share_10", _GROUP, ("close",), 10, mean(UP, 10), default=True),
    *(Feature(f"return_{n}", _GROUP, ("close",), n, log_return(n)) for n in (30, 60, 120)),
    # The year without its last month (Jegadeesh and Titman, 1993).
    Feature("momentum_252_21", _GROUP, ("close",), 252, (before(CLOSE, 21) / before(CLOSE, 252)).log()),
    Feature("williams_r_14", _GROUP, _HLC, 13, 100 * (_stochastic(14) - 1)),
    Feature("cci_20", _GROUP, _HLC, 19, _commodity_channel(20)),
)
