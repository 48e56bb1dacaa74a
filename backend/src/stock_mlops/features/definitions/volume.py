"""How much is traded. Logarithms with one share added, since a session without trades happens."""

from __future__ import annotations

from stock_mlops.features.definitions.indicators import VOLUME, deviation, mean, share
from stock_mlops.features.registry import Feature

_GROUP = "trading"
_LOG_VOLUME = VOLUME.log1p()

FEATURES = (
    Feature("volume_change_1", _GROUP, ("volume",), 1, _LOG_VOLUME.diff(), default=True),
    Feature("volume_to_ma10", _GROUP, ("volume",), 9, share(VOLUME, mean(VOLUME, 10), neutral=1.0) - 1, default=True),
    Feature(
        "volume_zscore_20",
        _GROUP,
        ("volume",),
        19,
        share(_LOG_VOLUME - mean(_LOG_VOLUME, 20), deviation(_LOG_VOLUME, 20), neutral=0.0),
        default=True,
    ),
)
