"""Feature parity: whether what a model was given is what its features are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.estimators.base import Floats

TOLERANCE = 1e-9
"""Two ways to compute one feature differ by rounding, which is a thousand times less."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one vector."""

    session: date
    largest: float
    """Of all features: the difference over the value, or over 1 where the value is smaller; infinite where one of the
    two is not known."""
    feature: str
    """Where."""


def difference(session: date, names: tuple[str, ...], live: Floats, again: Floats) -> Difference:
    """Compare what was served, ``live`` (features,), with what it should have been."""
    known = np.isfinite(live) & np.isfinite(again)
    scale = np.maximum(1.0, np.abs(np.where(known, again, 1.0)))
    off = np.where(known, np.abs(np.where(known, live - again, 0.0)) / scale, np.inf)
    off[~np.isfinite(live) & ~np.isfinite(again)] = 0.0
    worst = int(np.argmax(off))
    return Difference(session, float(off[worst]), names[worst])


def shifted(stored: Floats, again: Floats) -> list[int]:
    """Rows of ``stored`` (n, features) that hold the row before them of ``again`` (n, features), not their own.

    A feature pipeline that is late by a session looks right in every row by itself.
    """
    own, before = _equal(stored[1:], again[1:]), _equal(stored[1:], again[:-1])
    changed = ~_equal(again[1:], again[:-1])
    # Features that do not move from one session to the next say nothing about which of the two they are of.
    moved = changed.sum(axis=1)
    late = (before & changed).sum(axis=1) == moved
    right = (own & changed).sum(axis=1) == moved
    rows: list[int] = (np.flatnonzero((moved > 0) & late & ~right) + 1).tolist()
    return rows


def _equal(a: Floats, b: Floats) -> NDArray[np.bool_]:
    return np.isclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
