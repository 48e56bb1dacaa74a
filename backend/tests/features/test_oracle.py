"""Features against plain NumPy loops that share no code with the definitions."""

import math

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from stock_mlops.features import compute_features
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.sources.sample import _daily

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return adjust(_daily().filter(pl.col("ticker") == "AAPL").head(600))


def rolling(values: Array, window: int, function: object) -> Array:
    out = np.full(len(values), np.nan)
    for end in range(window - 1, len(values)):
        out[end] = function(values[end - window + 1 : end + 1])  # type: ignore[operator]
    return out


def ema(values: Array, alpha: float, first_shown: int) -> Array:
    out = np.full(len(values), np.nan)
    known = [index for index, value in enumerate(values) if not math.isnan(value)]
    average = values[known[0]]
    for count, index in enumerate(known, start=1):
        average = average if count == 1 else alpha * values[index] + (1 - alpha) * average
        if count >= first_shown:
            out[index] = average
    return out


def before(values: Array) -> Array:
    return np.concatenate([[np.nan], values[:-1]])


def oracle(clean: pl.DataFrame) -> dict[str, Array]:
    open_, high, low, close, volume = (clean[name].to_numpy() for name in ("open", "high", "low", "close", "volume"))
    ma20, sd20 = rolling(close, 20, np.mean), rolling(close, 20, np.std)
    ema12, ema26 = ema(close, 2 / 13, 12), ema(close, 2 / 27, 26)
    macd = ema12 - ema26
    signal = ema(macd, 2 / 10, 9)
    change = close - before(close)
    gain = ema(np.where(np.isnan(change), np.nan, np.maximum(change, 0)), 1 / 14, 14)
    loss = ema(np.where(np.isnan(change), np.nan, np.maximum(-change, 0)), 1 / 14, 14)
    log_return = np.log(close / before(close))
    spread = np.fmax(high, before(close)) - np.fmin(low, before(close))
    log_volume = np.log1p(volume)
    weekday = np.array([day.weekday() for day in clean["session"]])
    highest, lowest = rolling(high, 14, np.max), rolling(low, 14, np.min)
    return {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "MA5": rolling(close, 5, np.mean),
        "MA10": rolling(close, 10, np.mean),
        "EMA12": ema12,
        "EMA26": ema26,
        "MACD": macd,
        "MACD_signal": signal,
        "MACD_hist": macd - signal,
        "BB_upper": ma20 + 2 * sd20,
        "BB_middle": ma20,
        "BB_lower": ma20 - 2 * sd20,
        "VOL_MA10": rolling(volume, 10, np.mean),
        "return_5": np.concatenate([np.full(5, np.nan), np.log(close[5:] / close[:-5])]),
        "gap": np.log(open_ / before(close)),
        "rsi_14": 100 - 100 / (1 + gain / loss),
        "stochastic_14": (close - lowest) / (highest - lowest),
        "volatility_20": rolling(log_return, 20, lambda window: np.std(window, ddof=1)),
        "atr_14_ratio": ema(spread, 1 / 14, 14) / close,
        "parkinson_20": np.sqrt(rolling(np.log(high / low) ** 2, 20, np.mean) / (4 * math.log(2))),
        "bb_position": (close - ma20) / (2 * sd20),
        "volume_zscore_20": (log_volume - rolling(log_volume, 20, np.mean)) / rolling(log_volume, 20, np.std),
        "high_20_distance": np.log(close / rolling(high, 20, np.max)),
        "weekday_sin": np.sin(2 * np.pi * weekday / 5),
    }


def test_values_are_those_of_an_independent_computation(clean: pl.DataFrame) -> None:
    expected = oracle(clean)
    computed = compute_features(clean, expected)
    for name, values in expected.items():
        ours = computed[name].fill_null(math.nan).to_numpy()
        np.testing.assert_allclose(ours, values, rtol=1e-9, atol=1e-11, err_msg=name, equal_nan=True)


def test_all_sixteen_classic_columns_have_an_oracle(clean: pl.DataFrame) -> None:
    from stock_mlops.features import feature_names

    assert set(feature_names()[:16]) <= set(oracle(clean))
