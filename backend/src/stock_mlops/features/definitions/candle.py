"""The shape of the session's candle, as Alpha158 (Qlib) has it: body, length, shadows and shift, as shares of the open,
and (the names that end in 2) of the candle's length; 0 where the candle is a point."""

from __future__ import annotations

import polars as pl

from stock_mlops.features.definitions.indicators import CLOSE, HIGH, LOW, OPEN, ratio
from stock_mlops.features.registry import Feature

_GROUP = "candle"
_BODY = CLOSE - OPEN
_UPPER_SHADOW = HIGH - pl.max_horizontal(OPEN, CLOSE)
_LOWER_SHADOW = pl.min_horizontal(OPEN, CLOSE) - LOW
_SHIFT = 2 * CLOSE - HIGH - LOW
_ALL = ("open", "high", "low", "close")


def _of_length(part: pl.Expr) -> pl.Expr:
    return ratio(part, HIGH - LOW, neutral=0.0)


FEATURES = (
    Feature("KMID", _GROUP, ("open", "close"), 0, _BODY / OPEN),
    Feature("KLEN", _GROUP, ("open", "high", "low"), 0, (HIGH - LOW) / OPEN),
    Feature("KMID2", _GROUP, _ALL, 0, _of_length(_BODY)),
    Feature("KUP", _GROUP, ("open", "high", "close"), 0, _UPPER_SHADOW / OPEN),
    Feature("KUP2", _GROUP, _ALL, 0, _of_length(_UPPER_SHADOW)),
    Feature("KLOW", _GROUP, ("open", "low", "close"), 0, _LOWER_SHADOW / OPEN),
    Feature("KLOW2", _GROUP, _ALL, 0, _of_length(_LOWER_SHADOW)),
    Feature("KSFT", _GROUP, _ALL, 0, _SHIFT / OPEN),
    Feature("KSFT2", _GROUP, ("high", "low", "close"), 0, _of_length(_SHIFT)),
)
