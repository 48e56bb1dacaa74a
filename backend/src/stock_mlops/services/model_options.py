"""What a model definition may choose from: features and model types, as their own declarations tell it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from stock_mlops.forecasting.estimators import Estimator, available, registry
from stock_mlops.forecasting.estimators.base import Span, Task


@dataclass(frozen=True, slots=True)
class FeatureOption:
    name: str
    group: str
    description: str
    inputs: tuple[str, ...]
    """Columns of the price table."""
    lookback: int
    """Earlier sessions that a value needs."""
    stationary: bool
    default: bool


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """A name that stands for several features in a definition."""

    name: str
    description: str
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeatureOptions:
    feature_version: str
    groups: tuple[FeatureGroup, ...]
    features: tuple[FeatureOption, ...]


@dataclass(frozen=True, slots=True)
class ModelType:
    name: str
    title: str
    description: str
    tasks: Sequence[Task]
    """The first is the default."""
    unavailable: str | None
    """Why it cannot be trained here, and what to install."""
    params: Mapping[str, Any]
    """JSON Schema of its parameters: what validates a definition."""
    search_space: Mapping[str, Mapping[str, Any]]
    """What a search for parameters tries, by name; empty when there is nothing to search."""


@lru_cache(maxsize=1)
def feature_options() -> FeatureOptions:
    # Imported here: the definitions are polars expressions, and a backend starts without polars.
    from stock_mlops.features import FEATURE_VERSION, descriptions, feature_groups
    from stock_mlops.features.registry import registry as features

    return FeatureOptions(
        FEATURE_VERSION,
        tuple(FeatureGroup(name, descriptions.GROUPS[name], names) for name, names in feature_groups().items()),
        tuple(
            FeatureOption(
                feature.name,
                feature.group,
                descriptions.describe(feature.name),
                feature.inputs,
                feature.lookback,
                feature.stationary,
                feature.default,
            )
            for feature in features().values()
        ),
    )


@lru_cache(maxsize=1)
def model_types() -> tuple[ModelType, ...]:
    """In the order in which they are offered: simpler ones first."""
    return tuple(_model_type(estimator) for estimator in registry().values())


def _model_type(estimator: type[Estimator]) -> ModelType:
    return ModelType(
        estimator.name,
        estimator.title,
        " ".join(inspect.cleandoc(estimator.__doc__ or "").split("\n\n")[0].split()),
        estimator.tasks,
        available(estimator.name),
        estimator.Params.model_json_schema(),
        {
            name: {"kind": "span" if isinstance(item, Span) else "choice", **asdict(item)}
            for name, item in estimator.search_space.items()
        },
    )
