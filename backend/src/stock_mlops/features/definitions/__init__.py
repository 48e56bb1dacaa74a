"""The features by group. A new feature is one more definition in a group's list; a new group is one more name here."""

from stock_mlops.features.definitions import (
    calendar,
    candle,
    classic,
    co_movement,
    counts,
    liquidity,
    momentum,
    position,
    trend,
    volatility,
)

GROUPS = (
    classic.FEATURES,
    momentum.FEATURES,
    trend.FEATURES,
    volatility.FEATURES,
    liquidity.FEATURES,
    calendar.FEATURES,
    candle.FEATURES,
    position.FEATURES,
    counts.FEATURES,
    co_movement.FEATURES,
)
