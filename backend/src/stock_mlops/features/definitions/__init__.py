"""The features by group. A new feature is one more definition in a group's list; a new group is one more name here."""

from stock_mlops.features.definitions import calendar, classic, momentum, trend, volatility, volume

GROUPS = (
    classic.FEATURES,
    momentum.FEATURES,
    trend.FEATURES,
    volatility.FEATURES,
    volume.FEATURES,
    calendar.FEATURES,
)
