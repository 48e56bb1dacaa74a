"""How many sessions went up or down, and how far together, as Alpha158 (Qlib) has them.

CNT: shares of sessions; SUM: shares of the way that the price went, as in Wilder's RSI. P up, N down, D the difference.
"""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import CHANGE, GAIN, LOSS, UP, WINDOWS, flag, mean, ratio, total
from stock_mlops.features.intermediates import derived
from stock_mlops.features.registry import Feature

_GROUP = "counts"
_DOWN = derived("down", flag(CHANGE < 0, known=CHANGE))


def _of_way(part: pl.Expr, n: int, *, neutral: float) -> pl.Expr:
    return ratio(part, total(GAIN, n) + total(LOSS, n), neutral=neutral)


def _count(name: str, n: int, expression: pl.Expr) -> Feature:
    return Feature(f"{name}{n}", _GROUP, ("close",), n, expression)


FEATURES = (
    *(_count("CNTP", n, mean(UP, n)) for n in WINDOWS),
    *(_count("CNTN", n, mean(_DOWN, n)) for n in WINDOWS),
    *(_count("CNTD", n, mean(UP, n) - mean(_DOWN, n)) for n in WINDOWS),
    *(_count("SUMP", n, _of_way(total(GAIN, n), n, neutral=0.5)) for n in WINDOWS),
    *(_count("SUMN", n, _of_way(total(LOSS, n), n, neutral=0.5)) for n in WINDOWS),
    *(_count("SUMD", n, _of_way(total(GAIN, n) - total(LOSS, n), n, neutral=0.0)) for n in WINDOWS),
)
