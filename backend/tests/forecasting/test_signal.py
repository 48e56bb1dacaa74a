"""The whole way from prices to a judgement: a planted signal is found at its size, and noise is called noise."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl
import pytest
from stock_mlops.features import compute_features, default_features
from stock_mlops.forecasting.dataset import Dataset, build_dataset
from stock_mlops.forecasting.estimators import registry
from stock_mlops.forecasting.evaluation import evaluate
from stock_mlops.forecasting.spec import ModelSpec, parse_spec
from stock_mlops.forecasting.trainer import train
from stock_mlops.instruments import sessions_of
from stock_mlops.prices.schema import CLEAN_SCHEMA
from threadpoolctl import threadpool_limits

SEEDS, NOISE_SESSIONS = 200, 2000
# Judged on one horizon each; the slow ones are like these.
FAST = ("drift", "mean", "ridge", "lasso", "elastic_net", "hist_gradient_boosting", "lightgbm")


def price_frame(rows: int, phi: float, seed: int) -> pl.DataFrame:
    """Features and prices whose daily log returns are phi times the one before plus noise of 1 %."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0.0, 0.01, rows)
    returns = np.zeros(rows)
    for position in range(1, rows):
        returns[position] = phi * returns[position - 1] + noise[position]
    close = 50 * np.exp(np.cumsum(returns))
    opened = np.concatenate([[50.0], close[:-1]]) * np.exp(rng.normal(0.0, 0.002, rows))
    above, below = (np.exp(sign * np.abs(rng.normal(0.0, 0.004, rows))) for sign in (1, -1))
    clean = pl.DataFrame(
        {
            "session": sessions_of("US").array(date(1995, 1, 2), date(2024, 12, 31))[:rows],
            "open": opened,
            "high": np.maximum(opened, close) * above,
            "low": np.minimum(opened, close) * below,
            "close": close,
            "volume": np.exp(rng.normal(14.0, 0.3, rows)),
        }
    ).with_columns(
        exchange=pl.lit("US"),
        ticker=pl.lit("TEST"),
        raw_close="close",
        factor=pl.lit(1.0),
        dividend=pl.lit(0.0),
        split=pl.lit(1.0),
        source=pl.lit("test"),
    )
    clean = clean.select(pl.col(name).cast(dtype) for name, dtype in CLEAN_SCHEMA.items())
    features = compute_features(clean, default_features())
    return clean.select("ticker", "session", *({"open", "close"} - set(features.columns))).with_columns(
        features.drop("exchange", "ticker", "session")
    )


def spec_of(model_type: str) -> ModelSpec:
    return parse_spec({"ticker": "TEST", "model_type": model_type, "horizon": 1})


@pytest.mark.parametrize("model_type", ["ridge", "lightgbm"])
def test_the_skill_of_a_planted_signal_is_found(model_type: str) -> None:
    """Of AR(1) returns with phi 0.3 the best forecast explains phi squared."""
    frame = price_frame(6000, 0.3, seed=1)
    first = train(spec_of(model_type), frame, data_version="d", feature_version="f").horizons[0]
    assert first.pooled.skill == pytest.approx(0.3**2, rel=0.2)
    assert first.beats_random_walk


@lru_cache(maxsize=SEEDS)
def noise(seed: int) -> Dataset:
    return build_dataset(spec_of("ridge"), price_frame(NOISE_SESSIONS, 0.0, seed))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("model_type", FAST)
def test_noise_is_seldom_taken_for_skill(model_type: str) -> None:
    """The one-sided test at 5 % rejects in 9 % at most: 5 % plus 2.6 standard errors of 200 draws."""
    spec, estimator = spec_of(model_type), registry()[model_type]
    estimator(estimator.Params(), spec.seed).prepare()
    p_values, skills = [], []
    with threadpool_limits(limits=1):
        for seed in range(SEEDS):
            found = evaluate(
                spec,
                noise(seed),
                1,
                lambda horizon: estimator(estimator.Params(), spec.seed, "regression", horizon),
                lambda _step: None,
            )
            p_values.append(1.0 if found.dm is None else found.dm.p_value)
            skills.append(found.pooled.skill or 0.0)
    rejected = float(np.mean(np.array(p_values) < 0.05))
    print(f"{model_type}: {rejected:.1%} rejected, mean skill {np.mean(skills):.4%}")  # noqa: T201  pytest -s shows it
    assert rejected <= 0.09
