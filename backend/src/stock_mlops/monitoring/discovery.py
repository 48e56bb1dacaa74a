"""Many tests at once: which of them may be believed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stock_mlops.forecasting.estimators.base import Floats


def discoveries(p_values: Floats, rate: float) -> NDArray[np.bool_]:
    """Which of ``p_values`` (m,) are rejected when at most a share ``rate`` of the rejected may be false ones.

    The step-up procedure of Benjamini and Hochberg (1995). It holds for independent tests and for those that tend to
    reject together (Benjamini and Yekutieli 2001), as features of one price do.
    """
    m = len(p_values)
    order = np.argsort(p_values)
    below = np.flatnonzero(p_values[order] <= rate * np.arange(1, m + 1) / m)
    rejected = np.zeros(m, dtype=np.bool_)
    if len(below):
        rejected[order[: below[-1] + 1]] = True
    return rejected
