"""Price histories whose predictable part is known."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import numpy as np
import polars as pl
import pytest
from stock_mlops.forecasting.spec import ModelSpec, parse_spec
from stock_mlops.instruments import sessions_of

FEATURES = ("return_1", "gap", "rsi_14")


class MakeFrame(Protocol):
    def __call__(self, rows: int = 900, phi: float = 0.0, seed: int = 1) -> pl.DataFrame: ...


class MakeSpec(Protocol):
    def __call__(self, **values: Any) -> ModelSpec: ...


@pytest.fixture
def make_frame() -> MakeFrame:
    """A history whose next return is ``phi`` times the last plus noise; ``return_1`` shows it, the rest is noise."""

    def make(rows: int = 900, phi: float = 0.0, seed: int = 1) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        noise = rng.normal(0.0, 0.01, rows)
        returns = np.zeros(rows)
        for position in range(1, rows):
            returns[position] = phi * returns[position - 1] + noise[position]
        sessions = sessions_of("US").array(date(2003, 1, 2), date(2020, 1, 1))[:rows]
        close = 50 * np.exp(np.cumsum(returns))
        return pl.DataFrame(
            {
                "session": sessions,
                "open": close * np.exp(rng.normal(0.0, 0.002, rows)),
                "close": close,
                "return_1": returns,
                "gap": rng.normal(0.0, 1.0, rows),
                "rsi_14": rng.normal(50.0, 10.0, rows),
            }
        )

    return make


@pytest.fixture
def make_spec() -> MakeSpec:
    """A small definition that trains in milliseconds; ``values`` override it."""

    def make(**values: Any) -> ModelSpec:
        defaults: dict[str, Any] = {"ticker": "TEST", "features": FEATURES, "horizon": 2, "validation": {"folds": 3}}
        return parse_spec({**defaults, **values})

    return make
