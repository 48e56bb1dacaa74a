"""Small real things that tests of several packages start from."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from tempfile import gettempdir
from typing import Protocol

import numpy as np
import pytest
from stock_mlops.forecasting.bundle import BundleInfo, ForecastBundle
from stock_mlops.forecasting.engine import LinearEngine
from stock_mlops.forecasting.intervals import Intervals
from stock_mlops.forecasting.reference import Reference
from stock_mlops.stores.warehouse import FeatureVector

# What one of the test processes compiled for a perceptron the others read, and the next run does: half of what the
# perceptron's tests take.
os.environ |= {
    "JAX_COMPILATION_CACHE_DIR": str(Path(gettempdir(), f"stock-mlops-tests-jax-{os.getuid()}")),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


class MakeBundle(Protocol):
    def __call__(self, ticker: str = "AAPL", horizon: int = 5, drift: float = 0.01) -> ForecastBundle: ...


class MakeVector(Protocol):
    def __call__(self, session: date = date(2012, 6, 29), **values: float | None) -> FeatureVector: ...


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_bundle() -> MakeBundle:
    """A linear model of two features that forecasts ``drift`` per session when both are zero."""

    def make(ticker: str = "AAPL", horizon: int = 5, drift: float = 0.01) -> ForecastBundle:
        errors = [np.linspace(-0.02, 0.02, 41)] * horizon
        info = BundleInfo(
            exchange="US",
            registered_model=f"stock-US-{ticker}",
            tickers=(ticker,),
            model_type="ridge",
            task="regression",
            features=("return_1", "rsi_14"),
            horizon=horizon,
            params={},
            seed=7,
            spec_hash="spec",
            feature_version="1-test",
            data_version="data",
            trained_from=date(2010, 1, 4),
            trained_until=date(2012, 6, 1),
        )
        engine = LinearEngine(np.full((2, horizon), 0.5), drift * np.arange(1, horizon + 1), logistic=False)
        quantiles = np.linspace(-9.0, 9.0, 41)
        reference = Reference(np.array([quantiles, quantiles]), np.zeros((horizon, 41)))
        return ForecastBundle(info, engine, Intervals.of(errors), reference)

    return make


@pytest.fixture
def make_vector() -> MakeVector:
    def make(session: date = date(2012, 6, 29), **values: float | None) -> FeatureVector:
        known = {"return_1": 0.0, "rsi_14": 0.0} | values
        return FeatureVector(session, 100.0, known, "1-test", "v1")  # type: ignore[arg-type]

    return make
