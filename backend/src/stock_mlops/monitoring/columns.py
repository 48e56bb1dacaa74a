"""Returns as drift looks at them: as they are, and against what was usual in the year before."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stock_mlops.forecasting.estimators.base import Floats

YEAR = 250
"""Sessions before a session that its relative columns look back on."""

RETURN_COLUMNS = ("log_return", "relative_return", "relative_range")


def return_columns(close: Floats, log_range: Floats) -> Floats:
    """(n, 3): the columns :data:`RETURN_COLUMNS` of each session; NaN in the first ``YEAR + 1``.

    A market that was calm for a year and trebles its moves may still move less than in the crisis that the model was
    trained on. Relative to the year before, the change shows.

    Args:
        close: adjusted, (n,).
        log_range: log of high over low, (n,).
    """
    n = len(close)
    returns = np.diff(np.log(close), prepend=np.nan) if n else close
    columns = np.full((n, len(RETURN_COLUMNS)), np.nan)
    columns[:, 0] = returns
    if n > YEAR + 1:
        usual_move = sliding_window_view(returns[1:-1], YEAR).std(axis=1, ddof=1)
        usual_range = sliding_window_view(log_range[1:-1], YEAR).mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns[YEAR + 1 :, 1] = returns[YEAR + 1 :] / usual_move
            columns[YEAR + 1 :, 2] = log_range[YEAR + 1 :] / usual_range
    return columns
