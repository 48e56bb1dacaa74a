"""Adaptive conformal inference: intervals that widen when outcomes miss them, and narrow when they do not.

Split-conformal intervals keep their promise while errors stay as they were in validation; markets do not stay. Each
outcome moves the interval of its horizon and level a little: wider by much after a miss, narrower by little after a
hit, so that misses settle at one in ``1 / (1 - level)`` whatever the market does (Gibbs and Candes 2021). The step is
taken on the logarithm of the width, as in quantile tracking (Angelopoulos, Candes and Tibshirani 2023, "Conformal PID
control"), which cannot run into the largest error that was ever seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

import numpy as np

from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.intervals import LEVELS, Intervals

# A miss at 90 % widens by 9 %, a hit narrows by 1 %. Larger steps follow a change sooner and make the width jump about:
# with this one a tripled volatility is caught up with after some 40 sessions.
_STEP = 0.1
# Outcomes of overlapping periods miss in clusters; longer horizons take smaller steps, or a cluster would overshoot.
_STEP_DECAY = 0.25
# Beyond, something other than the market is wrong; exp(3) is twenty times the validated width.
_BOUND = 3.0

_MISS_RATES = 1.0 - np.array(LEVELS)


@dataclass(frozen=True, slots=True)
class AdaptiveState:
    """How far the intervals of one instrument's model have moved."""

    through: date | None
    """The last session whose close has been counted; None: nothing yet."""
    log_scales: Floats
    """(H, levels): logarithm of the width over the validated one."""
    outcomes: Floats
    """(H,): how many have been counted."""
    misses: Floats
    """(H, levels): how many of them lay outside the interval as it was then."""

    @classmethod
    def start(cls, horizon: int) -> Self:
        zeros = np.zeros((horizon, len(LEVELS)))
        return cls(None, zeros, np.zeros(horizon), zeros)

    @property
    def scales(self) -> Floats:
        """(H, levels): for :meth:`Intervals.scaled`."""
        return np.exp(self.log_scales)

    def to_dict(self) -> dict[str, Any]:
        return {
            "through": None if self.through is None else self.through.isoformat(),
            "log_scales": self.log_scales.tolist(),
            "outcomes": self.outcomes.tolist(),
            "misses": self.misses.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        arrays = {name: np.array(values[name], dtype=np.float64) for name in ("log_scales", "outcomes", "misses")}
        through = values["through"]
        return cls(None if through is None else date.fromisoformat(through), **arrays)


def adapt(state: AdaptiveState, intervals: Intervals, errors: Sequence[Floats], through: date) -> AdaptiveState:
    """The state after further outcomes.

    Args:
        intervals: as validation found them, not yet scaled.
        errors: per horizon the errors ``y - y_hat`` of outcomes that became known since ``state.through``, in the order
            of time; NaN is skipped.
        through: the last session that they count.
    """
    log_scales, misses, outcomes = state.log_scales.copy(), state.misses.copy(), state.outcomes.copy()
    for index, values in enumerate(errors):
        step = _STEP / (index + 1) ** _STEP_DECAY
        for error in np.abs(values[np.isfinite(values)]):
            missed = error > intervals.base[index] * np.exp(log_scales[index])
            log_scales[index] = np.clip(log_scales[index] + step * (missed - _MISS_RATES), -_BOUND, _BOUND)
            misses[index] += missed
            outcomes[index] += 1
    return replace(state, through=through, log_scales=log_scales, misses=misses, outcomes=outcomes)
