"""Features: one definition each, computed by one function. See ``registry.Feature`` and ``definitions/``."""

from stock_mlops.features.compute import compute_features
from stock_mlops.features.registry import (
    Feature,
    default_features,
    expand_features,
    feature_groups,
    feature_names,
    feature_version,
    max_lookback,
    registry,
)

FEATURE_VERSION = feature_version()

__all__ = [
    "FEATURE_VERSION",
    "Feature",
    "compute_features",
    "default_features",
    "expand_features",
    "feature_groups",
    "feature_names",
    "feature_version",
    "max_lookback",
    "registry",
]
