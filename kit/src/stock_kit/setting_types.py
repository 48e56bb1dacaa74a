"""What every group of settings is made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DEVELOPMENT_SECRET = "stock-dev-only"  # noqa: S105  refused in production

Port = Annotated[int, Field(ge=1, le=65535)]
Link = Annotated[str, Field(pattern=r"^(https?://\S+)?$")]


def _seconds(value: object) -> object:
    """Accept ``5`` and ``0.5`` from the environment beside ISO 8601, which is all that pydantic reads from text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Duration = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def with_pairs(data: object, name: str) -> object:
    """The group with what it says as ``a=x,b=y`` taken apart.

    Raises:
        ValueError: an item is no pair.
    """
    if not isinstance(data, dict) or not isinstance(data.get(name), str):
        return data
    pairs = [item.strip() for item in data[name].split(",") if item.strip()]
    if bad := [pair for pair in pairs if "=" not in pair]:
        raise ValueError(f"{name}: expected service=URL, got {bad[0]!r}")
    return {**data, name: dict(pair.split("=", 1) for pair in pairs)}
