"""Where the session lies in the week and the year, as points on a circle so that December is next to January."""

from __future__ import annotations

import math

import polars as pl

from stock_mlops.features.registry import Feature

_GROUP = "calendar"
_SESSION = pl.col("session")


def _angle(position: pl.Expr, period: int) -> pl.Expr:
    return position.cast(pl.Float64) * (2 * math.pi / period)


_WEEKDAY = _angle(_SESSION.dt.weekday() - 1, 5)
_YEAR_DAY = _angle(_SESSION.dt.ordinal_day() - 1, 366)

FEATURES = (
    Feature("weekday_sin", _GROUP, ("session",), 0, _WEEKDAY.sin(), default=True),
    Feature("weekday_cos", _GROUP, ("session",), 0, _WEEKDAY.cos(), default=True),
    Feature("year_sin", _GROUP, ("session",), 0, _YEAR_DAY.sin(), default=True),
    Feature("year_cos", _GROUP, ("session",), 0, _YEAR_DAY.cos(), default=True),
)
