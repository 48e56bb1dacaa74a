"""Where the session lies in week, month and year, as points on a circle so that December is next to January.

All of it follows from the dates of this session and of those before: whether a session is the last one of its month is
not known to the prices, how many days of the month are left is.
"""

from __future__ import annotations

import math

import polars as pl

from stock_mlops.features.definitions.indicators import before, flag
from stock_mlops.features.intermediates import derived
from stock_mlops.features.registry import Feature

_GROUP = "calendar"
_SESSION = pl.col("session")
_TURN_DAYS = 3


def _number(name: str, part: pl.Expr) -> pl.Expr:
    return derived(name, part.cast(pl.Float64))


def _angle(position: pl.Expr, period: float | pl.Expr) -> pl.Expr:
    return position * (2 * math.pi / period)


_DAY_NUMBER = _number("day_number", _SESSION.to_physical())
_MONTH_DAY = _number("month_day", _SESSION.dt.day())
_MONTH_DAYS = _number("month_days", _SESSION.dt.days_in_month())
_WEEK = derived("week_angle", _angle(_number("weekday", _SESSION.dt.weekday()) - 1, 5))
_MONTH = derived("month_angle", _angle(_MONTH_DAY - 1, _MONTH_DAYS))
_YEAR = derived("year_angle", _angle(_number("year_day", _SESSION.dt.ordinal_day()) - 1, 366))
# The month's last calendar days and its first: returns gather there (Lakonishok and Smidt, 1988).
_TURN_OF_MONTH = flag((_MONTH_DAY <= _TURN_DAYS) | (_MONTH_DAYS - _MONTH_DAY < _TURN_DAYS), known=_MONTH_DAY)

FEATURES = (
    Feature("weekday_sin", _GROUP, ("session",), 0, _WEEK.sin(), default=True),
    Feature("weekday_cos", _GROUP, ("session",), 0, _WEEK.cos(), default=True),
    Feature("year_sin", _GROUP, ("session",), 0, _YEAR.sin(), default=True),
    Feature("year_cos", _GROUP, ("session",), 0, _YEAR.cos(), default=True),
    Feature("month_sin", _GROUP, ("session",), 0, _MONTH.sin()),
    Feature("month_cos", _GROUP, ("session",), 0, _MONTH.cos()),
    Feature("turn_of_month", _GROUP, ("session",), 0, _TURN_OF_MONTH),
    # Calendar days: 1 within a week, 3 over a weekend, more over holidays.
    Feature("days_since_session", _GROUP, ("session",), 1, _DAY_NUMBER - before(_DAY_NUMBER)),
)
