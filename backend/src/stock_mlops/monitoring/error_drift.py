"""Error drift: whether a model's errors have become larger than they were, told one settled forecast after the other.

An error is measured against the half-width of the interval that was stated with it. Intervals follow the market, so a
wild month, which widens both, is no drift; errors that outgrow what the model itself says are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from river import drift

from stock_mlops.forecasting.estimators.base import Floats

FEWEST = 30
"""Outcomes before anything is told."""

# A single close may be ten half-widths away; it is one bad day, not a drift.
_LARGEST = 2.0
# In half-widths; normal errors of a 90 % interval have a mean of 0.49 and a standard deviation of 0.37. What these
# numbers give on the sample: bench/drift/errors.py.
_HALF_WIDTH = 2.44
"""Of a 90 % interval, in medians of normal absolute errors."""
_TOLERATED = 0.15
_THRESHOLD = 6.0
_FALSE_SPLITS = 0.2
"""Of ADWIN: the chance, at most, that it splits what is all alike; its bound is so wide that none was seen."""

Method = Literal["page_hinkley", "adwin"]


@dataclass(frozen=True, slots=True)
class ErrorDrift:
    """Errors grew: told by ``method`` at the outcome ``position``, from a mean of ``before`` to one of ``after``."""

    method: Method
    position: int
    before: float
    after: float


def relative_errors(errors: Floats, widths: Floats) -> Floats:
    """Absolute ``errors`` (n,) in half-widths of their intervals ``widths`` (n,), both in log returns.

    Where no interval was stated (NaN), in what the half-width of a 90 % interval is by the median of the first errors.
    """
    sizes = np.abs(errors)
    if len(sizes) == 0:
        return sizes
    usual = _HALF_WIDTH * float(np.median(sizes[:FEWEST])) or 1.0
    half = np.where(np.isfinite(widths) & (widths > 0), widths / 2.0, usual)
    return np.asarray(sizes / half, dtype=np.float64)


def error_drifts(relative: Floats) -> list[ErrorDrift]:
    """Every moment at which errors (n,), the oldest first, are found to have grown.

    By the test of Page (1954) as Hinkley (1971) has it, which is quick to see a step, and by ADWIN (Bifet and Gavalda
    2007), which sees a slow one as well; both begin anew after a finding. The same errors give the same findings,
    however often and wherever they are looked at.
    """
    values = np.minimum(relative, _LARGEST)
    found = [*_page_hinkley(values), *_adwin(values)]
    return sorted(found, key=lambda item: (item.position, item.method))


def _page_hinkley(values: Floats) -> list[ErrorDrift]:
    test = drift.PageHinkley(min_instances=FEWEST, delta=_TOLERATED, threshold=_THRESHOLD, mode="up")
    found: list[ErrorDrift] = []
    since = 0
    for position, value in enumerate(values.tolist()):
        test.update(value)  # type: ignore[no-untyped-call]  # the library has no types here
        if test.drift_detected:
            found.append(_grown("page_hinkley", values, since, position))
            since = position + 1
    return found


def _adwin(values: Floats) -> list[ErrorDrift]:
    test = drift.ADWIN(delta=_FALSE_SPLITS, clock=1, grace_period=FEWEST)  # type: ignore[no-untyped-call]
    found: list[ErrorDrift] = []
    start = 0
    for position, value in enumerate(values.tolist()):
        test.update(value / _LARGEST)  # type: ignore[no-untyped-call]  # between 0 and 1
        if test.drift_detected:
            # Its window now begins where the older part, which it dropped, ends.
            kept = position + 1 - int(test.width)
            if test.estimation * _LARGEST > values[start:kept].mean():
                found.append(_grown("adwin", values, start, position))
            start = kept
    return found


def _grown(method: Method, values: Floats, since: int, position: int) -> ErrorDrift:
    """The split that lies best between what was and what is: where the mean's cumulated deviation turned."""
    segment = values[since : position + 1]
    turned = int(np.argmin(np.cumsum(segment - segment.mean()))) + 1
    before, after = segment[:turned], segment[turned:]
    return ErrorDrift(method, position, float(before.mean()), float(after.mean() if len(after) else segment[-1]))
