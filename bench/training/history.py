"""Training frames of a made-up ticker, as the training service reads them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from stock_mlops.features import compute_features, default_features
from stock_mlops.instruments import sessions_of
from stock_mlops.prices.schema import CLEAN_SCHEMA


def training_frame(sessions: int, seed: int = 1) -> pl.DataFrame:
    """The newest ``sessions`` sessions up to 2024 of a random walk, with the default features."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0.0003, 0.01, sessions)))
    opened = np.concatenate([[50.0], close[:-1]]) * np.exp(rng.normal(0.0, 0.002, sessions))
    wick = np.abs(rng.normal(0.0, 0.004, (2, sessions)))
    values = {
        "exchange": "US",
        "ticker": "BENCH",
        "session": sessions_of("US").array(date(1990, 1, 2), date(2024, 12, 31))[-sessions:],
        "open": opened,
        "high": np.maximum(opened, close) * np.exp(wick[0]),
        "low": np.minimum(opened, close) * np.exp(-wick[1]),
        "close": close,
        "volume": np.exp(rng.normal(14.0, 0.3, sessions)),
        "raw_close": close,
        "factor": 1.0,
        "dividend": 0.0,
        "split": 1.0,
        "source": "bench",
    }
    clean = pl.DataFrame(values).select(pl.col(name).cast(dtype) for name, dtype in CLEAN_SCHEMA.items())
    features = compute_features(clean, default_features())
    priced = clean.select("ticker", "session", *({"open", "close"} - set(features.columns)))
    return priced.with_columns(features.drop("exchange", "ticker", "session"))
