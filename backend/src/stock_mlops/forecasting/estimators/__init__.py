"""Estimators, found by being here: a new model type is one module with one class (see ``base.Estimator``)."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from pydantic import BaseModel

from stock_mlops.forecasting.estimators.base import Estimator

_NOT_MODELS = frozenset({"base", "sklearn_base"})


@lru_cache(maxsize=1)
def registry() -> dict[str, type[Estimator]]:
    """Every model type by name, in the order they are offered.

    Raises:
        ValueError: two classes share a name.
    """
    found: dict[str, type[Estimator]] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name in _NOT_MODELS:
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, Estimator) and item.__module__ == module.__name__:
                if item.name in found:
                    raise ValueError(f"model type {item.name} is defined twice")
                found[item.name] = item
    return dict(sorted(found.items(), key=lambda pair: (pair[1].rank, pair[0])))


def estimator_types() -> tuple[str, ...]:
    return tuple(registry())


def params_model(model_type: str) -> type[BaseModel]:
    """The pydantic model of a type's parameters; its JSON schema describes them to a form."""
    return registry()[model_type].Params


__all__ = ["Estimator", "estimator_types", "params_model", "registry"]
