"""How prices move with volumes, and with themselves a session before. 0 where one of the two stands still."""

from __future__ import annotations

from stock_mlops.features.definitions.indicators import (
    CLOSE,
    LOG_RETURN,
    LOG_VOLUME,
    LOG_VOLUME_CHANGE,
    WINDOWS,
    before,
    correlation,
)
from stock_mlops.features.registry import Feature

_GROUP = "co_movement"
_BOTH = ("close", "volume")

FEATURES = (
    # As in Alpha158 (Qlib): levels, then changes.
    *(Feature(f"CORR{n}", _GROUP, _BOTH, n - 1, correlation(CLOSE, LOG_VOLUME, n)) for n in WINDOWS),
    *(Feature(f"CORD{n}", _GROUP, _BOTH, n, correlation(LOG_RETURN, LOG_VOLUME_CHANGE, n)) for n in WINDOWS),
    *(
        Feature(f"autocorrelation_{n}", _GROUP, ("close",), n + 1, correlation(LOG_RETURN, before(LOG_RETURN), n))
        for n in (20, 60)
    ),
)
