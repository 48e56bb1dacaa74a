"""Where the close stands among the prices of the last sessions, and how long ago their extremes were."""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import CLOSE, HIGH, LOW, WINDOWS, highest, lowest, ratio
from stock_mlops.features.intermediates import derived, window
from stock_mlops.features.registry import Feature

_GROUP = "position"
# 252 sessions are the 52-week high and low of George and Hwang (2004); 20 sessions are among the trend features.
_DISTANCES = (5, 10, 30, 60, 252)
_QUANTILE_WINDOWS = (20, 60)
_LOG_CLOSE = derived("log_close", CLOSE.log())


def _since_high(n: int) -> pl.Expr:
    return window("age_of_max", HIGH, rows=n)


def _since_low(n: int) -> pl.Expr:
    return window("age_of_min", LOW, rows=n)


def _stochastic(n: int) -> pl.Expr:
    """Raw stochastic value: Lane's %K."""
    low, high = lowest(LOW, n), highest(HIGH, n)
    return ratio(CLOSE - low, high - low, neutral=0.5)


def _quantile(share: float, n: int) -> pl.Expr:
    return window("quantile", CLOSE, share=share, rows=n) / CLOSE


FEATURES = (
    *(
        Feature(f"high_{n}_distance", _GROUP, ("high", "close"), n - 1, (CLOSE / highest(HIGH, n)).log())
        for n in _DISTANCES
    ),
    *(
        Feature(f"low_{n}_distance", _GROUP, ("low", "close"), n - 1, (CLOSE / lowest(LOW, n)).log())
        for n in _DISTANCES
    ),
    *(Feature(f"RSV{n}", _GROUP, ("high", "low", "close"), n - 1, _stochastic(n)) for n in WINDOWS),
    *(Feature(f"QTLU{n}", _GROUP, ("close",), n - 1, _quantile(0.8, n)) for n in _QUANTILE_WINDOWS),
    *(Feature(f"QTLD{n}", _GROUP, ("close",), n - 1, _quantile(0.2, n)) for n in _QUANTILE_WINDOWS),
    *(Feature(f"RANK{n}", _GROUP, ("close",), n - 1, window("rank", CLOSE, rows=n)) for n in WINDOWS),
    # 1 where today's high is the highest of the window, 1 / n where the oldest is: Aroon's lines.
    *(Feature(f"IMAX{n}", _GROUP, ("high",), n - 1, 1 - _since_high(n) / n) for n in WINDOWS),
    *(Feature(f"IMIN{n}", _GROUP, ("low",), n - 1, 1 - _since_low(n) / n) for n in WINDOWS),
    *(Feature(f"IMXD{n}", _GROUP, ("high", "low"), n - 1, (_since_low(n) - _since_high(n)) / n) for n in WINDOWS),
    # The largest fall from a close to a later one, as a log return.
    *(Feature(f"max_drawdown_{n}", _GROUP, ("close",), n - 1, -window("fall", _LOG_CLOSE, rows=n)) for n in (20, 60)),
)
