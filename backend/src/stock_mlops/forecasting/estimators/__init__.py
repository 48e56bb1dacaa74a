"""Estimators, found by being here: a new model type is one module with one class (see ``base.Estimator``)."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from importlib.util import find_spec

from pydantic import BaseModel

from stock_mlops.forecasting.estimators.base import Estimator


@lru_cache(maxsize=1)
def registry() -> dict[str, type[Estimator]]:
    """Every model type by name, in the order they are offered.

    Raises:
        ValueError: two classes share a name.
    """
    found: dict[str, type[Estimator]] = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name.startswith("_"):  # it imports a heavy or optional library
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        for item in vars(module).values():
            # What several model types share has no name of its own.
            if isinstance(item, type) and issubclass(item, Estimator) and item.__module__ == module.__name__:
                if "name" not in vars(item):
                    continue
                if item.name in found:
                    raise ValueError(f"model type {item.name} is defined twice")
                found[item.name] = item
    return dict(sorted(found.items(), key=lambda pair: (pair[1].rank, pair[0])))


def estimator_types() -> tuple[str, ...]:
    """Every model type, also those whose optional library is not installed: see :func:`available`."""
    return tuple(registry())


def params_model(model_type: str) -> type[BaseModel]:
    """The pydantic model of a type's parameters; its JSON schema describes them to a form."""
    return registry()[model_type].Params


def available(model_type: str) -> str | None:
    """Why models of this type cannot be trained here, and what to install; None when they can. Imports nothing."""
    estimator = registry()[model_type]
    missing = [module for module in estimator.needs if find_spec(module) is None]
    if not missing:
        return None
    return (
        f"{model_type} needs {' and '.join(missing)}, which the optional extra {estimator.extra!r} brings; install it"
        f" with uv pip install 'stock-mlops[{estimator.extra}]', in a working copy with"
        f" .venv/bin/uv pip install -e './backend[{estimator.extra}]', and start the workers again"
    )


__all__ = ["Estimator", "available", "estimator_types", "params_model", "registry"]
