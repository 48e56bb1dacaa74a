"""What a feature is, and where the definitions are collected."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

_REVISION = 1
"""Raise it when the values of an existing definition change; added and removed features are noticed by themselves."""


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    The expression is evaluated over the rows of one ticker in the order of its sessions, and looks at its own and
    earlier rows only. It yields null while its window is not full.
    """

    name: str
    group: str
    inputs: tuple[str, ...]
    """Columns of the clean price frame that the expression reads."""
    lookback: int
    """Earlier sessions that the value needs. A recursive feature (EMA) remembers everything; its lookback is the
    warm-up after which where it began no longer shows (relative to the input's scale, less than 1e-9)."""
    expression: pl.Expr
    stationary: bool = True
    """Free of the price level, so that a model of returns may be trained on it."""

    def __post_init__(self) -> None:
        used = set(self.expression.meta.root_names())
        if used != set(self.inputs):
            raise ValueError(f"feature {self.name}: declares the inputs {sorted(self.inputs)}, reads {sorted(used)}")


@lru_cache(maxsize=1)
def registry() -> dict[str, Feature]:
    """All features by name, in the order of the table's columns.

    Raises:
        ValueError: two definitions share a name.
    """
    from stock_mlops.features.definitions import GROUPS

    features: dict[str, Feature] = {}
    for feature in (feature for group in GROUPS for feature in group):
        if feature.name in features:
            raise ValueError(f"feature {feature.name} is defined twice")
        features[feature.name] = feature
    return features


def select(names: Iterable[str] | None = None) -> Sequence[Feature]:
    """The definitions of ``names``, in that order; of all features when None.

    Raises:
        ValueError: a name is unknown.
    """
    known = registry()
    if names is None:
        return list(known.values())
    wanted = list(names)
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"unknown features {', '.join(unknown)}; known are {', '.join(known)}")
    return [known[name] for name in wanted]


def feature_names() -> tuple[str, ...]:
    return tuple(registry())


def default_features() -> tuple[str, ...]:
    """What a model is trained on unless its definition says otherwise: the stationary features."""
    return tuple(feature.name for feature in registry().values() if feature.stationary)


def max_lookback(names: Iterable[str] | None = None) -> int:
    """Earlier sessions that the values of ``names`` (all features when None) need."""
    return max((feature.lookback for feature in select(names)), default=0)


@lru_cache(maxsize=1)
def feature_version() -> str:
    """Names one set of definitions; rows of another version are computed again."""
    described = "\n".join(f"{feature.name} {feature.lookback}" for feature in registry().values())
    return f"{_REVISION}-{hashlib.sha256(described.encode()).hexdigest()[:8]}"
