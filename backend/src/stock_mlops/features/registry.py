"""What a feature is, and where the definitions are collected."""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import polars as pl

from stock_mlops.features.intermediates import depends_on_row_alone, price_columns

_REVISION = 1
"""Raise it when the values of an existing definition change; added and removed features are noticed by themselves."""

ALL, DEFAULT = "all", "default"
"""Groups beside those of the definitions."""


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
    default: bool = False
    """One of the features that a model is trained on unless its definition names others."""

    def __post_init__(self) -> None:
        used = price_columns(self.expression)
        if used != set(self.inputs):
            raise ValueError(f"feature {self.name}: declares the inputs {sorted(self.inputs)}, reads {sorted(used)}")
        if self.default and not self.stationary:
            raise ValueError(f"feature {self.name}: a default feature has to be stationary")

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Prices and intermediate columns that the expression reads itself."""
        return tuple(dict.fromkeys(self.expression.meta.root_names()))

    @cached_property
    def by_row(self) -> bool:
        """Whether the expression looks at single rows of ``sources`` only, so that tickers need not be told apart."""
        return depends_on_row_alone(self.expression)


@lru_cache(maxsize=1)
def registry() -> dict[str, Feature]:
    """All features by name, in the order of the table's columns.

    Raises:
        ValueError: two definitions share a name, or a group has the name of a feature.
    """
    from stock_mlops.features.definitions import GROUPS

    return collect(feature for group in GROUPS for feature in group)


def collect(definitions: Iterable[Feature]) -> dict[str, Feature]:
    """``definitions`` by name; raises as ``registry`` does."""
    features: dict[str, Feature] = {}
    for feature in definitions:
        if feature.name in features:
            raise ValueError(f"feature {feature.name} is defined twice")
        features[feature.name] = feature
    for name in (ALL, DEFAULT, *(feature.group for feature in features.values())):
        if name in features:
            raise ValueError(f"feature {name}: a group has this name; one of them needs another")
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
    for name in wanted:
        if name not in known:
            raise ValueError(_unknown(name))
    return [known[name] for name in wanted]


def feature_names() -> tuple[str, ...]:
    return tuple(registry())


def default_features() -> tuple[str, ...]:
    """What a model is trained on unless its definition says otherwise: few enough for the history of one share."""
    return tuple(feature.name for feature in registry().values() if feature.default)


def feature_groups() -> dict[str, tuple[str, ...]]:
    """Names for several features at once: the groups of the definitions, ``default``, and ``all`` stationary ones."""
    groups: dict[str, list[str]] = {}
    for feature in registry().values():
        groups.setdefault(feature.group, []).append(feature.name)
    stationary = tuple(feature.name for feature in registry().values() if feature.stationary)
    return {**{group: tuple(names) for group, names in groups.items()}, DEFAULT: default_features(), ALL: stationary}


def expand_features(names: Iterable[str]) -> tuple[str, ...]:
    """The features that ``names``, each a feature or a group, stand for.

    Returns:
        feature names in the order given, groups in the order of the registry; what several groups share, once.

    Raises:
        ValueError: a name is neither, or was given twice.
    """
    given = list(names)
    if repeated := [name for name, count in Counter(given).items() if count > 1]:
        raise ValueError(f"expected each feature or group once, got {', '.join(repeated)} more than once")
    known, groups = registry(), feature_groups()
    expanded: list[str] = []
    for name in given:
        if name not in known and name not in groups:
            raise ValueError(_unknown(name))
        expanded.extend(groups.get(name, (name,)))
    return tuple(dict.fromkeys(expanded))


def _unknown(name: str) -> str:
    groups = feature_groups()
    near = difflib.get_close_matches(name, [*registry(), *groups], n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; the groups of features are {', '.join(groups)}"
    return f"unknown feature {name!r}{hint}"


def max_lookback(names: Iterable[str] | None = None) -> int:
    """Earlier sessions that the values of ``names`` (all features when None) need."""
    return max((feature.lookback for feature in select(names)), default=0)


@lru_cache(maxsize=1)
def feature_version() -> str:
    """Names one set of definitions; rows of another version are computed again."""
    described = "\n".join(f"{feature.name} {feature.lookback}" for feature in registry().values())
    return f"{_REVISION}-{hashlib.sha256(described.encode()).hexdigest()[:8]}"
