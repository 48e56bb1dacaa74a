"""What a process imports, which takes processes of their own to see: memory and seconds of every start."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

HEAVY = ("pandas", "polars", "pyarrow", "mlflow", "sklearn", "scipy", "prefect", "matplotlib", "alembic", "boto3")


def imported(program: str, names: tuple[str, ...]) -> str:
    """Those of ``names`` that ``program`` imports."""
    code = f"import sys\n{program}\nprint(*(name for name in {names!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("backend", ["backend1", "backend2"])
def test_a_backend_starts_without_the_libraries_of_training(backend: str) -> None:
    assert imported(f"import api.{backend}, api.resources", HEAVY) == ""


def test_knowing_sessions_takes_no_pandas() -> None:
    assert imported("import stock_mlops.instruments as i; i.sessions_of('US')", ("pandas",)) == ""


def test_listing_model_types_imports_no_library_of_theirs() -> None:
    program = """
from stock_mlops.forecasting.estimators import available, estimator_types
[available(name) for name in estimator_types()]
"""
    assert imported(program, ("sklearn", "lightgbm", "jax", "optax", "scipy", "pandas")) == ""


def test_what_is_asked_for_is_seen() -> None:
    assert imported("import pandas", ("scipy", "pandas")) == "pandas"
