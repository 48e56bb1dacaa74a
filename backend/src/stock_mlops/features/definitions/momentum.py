"""Where the price has gone: log returns, gaps and oscillators."""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import CLOSE, HIGH, LOW, OPEN, log_return, warm_up, wilder
from stock_mlops.features.registry import Feature

_GROUP = "momentum"
_RSI = 14


def _relative_strength() -> pl.Expr:
    """Wilder's RSI, 0 to 100; 50 when the price did not move at all."""
    change = CLOSE.diff()
    gain = wilder(change.clip(lower_bound=0), _RSI)
    loss = wilder((-change).clip(lower_bound=0), _RSI)
    return pl.when(gain + loss > 0).then(100 * gain / (gain + loss)).when(gain + loss == 0).then(50.0)


def _stochastic(window: int) -> pl.Expr:
    """Lane's %K: where the close stands in the window's range, 0 to 1; the middle when there is no range."""
    low, high = LOW.rolling_min(window), HIGH.rolling_max(window)
    return pl.when(high > low).then((CLOSE - low) / (high - low)).when(high == low).then(0.5)


FEATURES = (
    *(Feature(f"return_{n}", _GROUP, ("close",), n, log_return(n), default=True) for n in (1, 2, 3, 5, 10, 20)),
    Feature("gap", _GROUP, ("open", "close"), 1, (OPEN / CLOSE.shift(1)).log(), default=True),
    Feature("intraday_return", _GROUP, ("open", "close"), 0, (CLOSE / OPEN).log(), default=True),
    Feature("rsi_14", _GROUP, ("close",), 1 + warm_up(1 / _RSI), _relative_strength(), default=True),
    Feature("stochastic_14", _GROUP, ("high", "low", "close"), 13, _stochastic(14), default=True),
    Feature("close_location", _GROUP, ("high", "low", "close"), 0, _stochastic(1), default=True),
    Feature("up_share_10", _GROUP, ("close",), 10, (CLOSE.diff() > 0).cast(pl.Float64).rolling_mean(10), default=True),
)
