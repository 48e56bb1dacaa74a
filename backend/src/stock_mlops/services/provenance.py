"""Where a model comes from: what a run keeps so that it can be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

import stock_mlops
from stock_mlops.features import FEATURE_VERSION
from stock_mlops.forecasting.spec import ModelSpec

if TYPE_CHECKING:
    import polars as pl

PROVENANCE, TRAINING_DATA = "provenance.json", "training.parquet"
_PACKAGE = "stock-mlops"
# Everything that has a say in a model's numbers.
_PACKAGES = ("numpy", "polars", "scipy", "scikit-learn", "lightgbm", "keras", "jax", "jaxlib", "optuna")
# The parts of this package whose code a model's numbers come out of.
_CODE = ("features", "forecasting", "prices/adjustment.py", "calendars.py", "instruments.py")


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The data of one training."""

    frame: pl.DataFrame
    """session, open, close, features; of a panel also ticker."""
    version: str
    as_of: Mapping[str, datetime]
    """Of each instrument (``US:AAPL``): when its raw prices were as the frame shows them."""


@lru_cache(maxsize=1)
def code_version() -> str:
    """The package's version and a hash of the code that models are made by: a working copy may differ from both the
    last release and the last commit."""
    root = Path(stock_mlops.__path__[0])
    digest = hashlib.sha256()
    for part in _CODE:
        files = sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]
        for file in files:
            digest.update(str(file.relative_to(root)).encode())
            digest.update(file.read_bytes())
    return f"{version(_PACKAGE)}+{digest.hexdigest()[:12]}"


def package_versions() -> dict[str, str]:
    """Of the installed libraries that models are made with."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_provenance(spec: ModelSpec, data: TrainedOn, folder: Path) -> None:
    """Write ``provenance.json`` and the training data into ``folder``.

    The data themselves, not only their version: features of sessions that were loaded one by one differ in the last
    bits from those computed over the whole history, and the stores keep only the newest rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        "spec": spec.model_dump(mode="json"),
        "data_version": data.version,
        "data_as_of": dict(data.as_of),
        "feature_version": FEATURE_VERSION,
        "code_version": code_version(),
        "packages": package_versions(),
    }
    (folder / PROVENANCE).write_bytes(orjson.dumps(described, option=orjson.OPT_INDENT_2))
    data.frame.write_parquet(folder / TRAINING_DATA, compression="zstd")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What :func:`write_provenance` wrote."""

    spec: Mapping[str, Any]
    data_version: str
    data_as_of: Mapping[str, datetime]
    feature_version: str
    code_version: str
    packages: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Provenance:
        values = orjson.loads((folder / PROVENANCE).read_bytes())
        as_of = {key: datetime.fromisoformat(moment) for key, moment in values["data_as_of"].items()}
        return cls(**{**values, "data_as_of": as_of})
