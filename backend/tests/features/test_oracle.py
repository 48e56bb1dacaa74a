"""Features against plain NumPy loops that share no code with the definitions: each window is sliced out and measured by
itself, with NumPy's and SciPy's own functions where they have one."""

import calendar
import math
import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats
from stock_mlops.features import compute_features, feature_names
from stock_mlops.prices.adjustment import adjust
from stock_mlops.prices.sources.sample import _daily

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def clean() -> pl.DataFrame:
    return adjust(_daily().filter(pl.col("ticker") == "AAPL").head(330))


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
        "close_to_ma30": close / rolling(close, 30, np.mean) - 1,
        "close_to_ema12": close / ema12 - 1,
        "macd_ratio": macd / close,
        "macd_signal_ratio": signal / close,
        "macd_hist_ratio": (macd - signal) / close,
        "bb_width": 4 * sd20 / ma20,
        "up_share_10": rolling(np.where(np.isnan(change), np.nan, change > 0), 10, np.mean),
        "volume_change_1": log_volume - before(log_volume),
        "volatility_ratio_5_20": rolling(log_return, 5, lambda window: np.std(window, ddof=1))
        / rolling(log_return, 20, lambda window: np.std(window, ddof=1)),
        "weekday_sin": np.sin(2 * np.pi * weekday / 5),
        "weekday_cos": np.cos(2 * np.pi * weekday / 5),
        "intraday_return": np.log(close / open_),
        "range_1": np.log(high / low),
        "close_location": np.where(high > low, (close - low) / np.maximum(high - low, 1e-300), 0.5),
        "williams_r_14": -100 * (highest - close) / (highest - lowest),
    }


Measure = Callable[..., float]


def slope(values: Array) -> float:
    time = np.arange(len(values)) - (len(values) - 1) / 2
    return float(time @ (values - values.mean()) / (time @ time))


def fitted_end(values: Array) -> float:
    return float(np.mean(values) + slope(values) * (len(values) - 1) / 2)


def correlation(left: Array, right: Array) -> float:
    return float(np.corrcoef(left, right)[0, 1])


def share_of_ups(values: Array) -> float:
    return float(np.maximum(values, 0).sum() / np.abs(values).sum())


def net_share(values: Array) -> float:
    return float(values.sum() / np.abs(values).sum())


def position_of(index: np.intp, values: Array) -> float:
    return float((index + 1) / len(values))


def worst_fall(values: Array) -> float:
    return min(0.0, *(late - early for i, early in enumerate(values) for late in values[i + 1 :]))


def yang_zhang(overnight: Array, body: Array, rogers_satchell: Array) -> float:
    n = len(body)
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    drift_free = (1 - k) * np.mean(rogers_satchell)
    return math.sqrt(np.var(overnight, ddof=1) + k * np.var(body, ddof=1) + drift_free)


def columns(clean: pl.DataFrame) -> dict[str, Array]:
    """What the windows are cut out of; the first value of a change is NaN."""
    c = {name: clean[name].to_numpy().astype(float) for name in ("open", "high", "low", "close", "volume")}
    c["change"] = c["close"] - before(c["close"])
    c["return"] = np.log(c["close"]) - np.log(before(c["close"]))
    c["return_before"] = before(c["return"])
    c["log_close"], c["log_volume"] = np.log(c["close"]), np.log(c["volume"] + 1)
    c["log_volume_change"] = c["log_volume"] - before(c["log_volume"])
    c["volume_change"] = c["volume"] - before(c["volume"])
    c["moved"] = np.abs(c["close"] / before(c["close"]) - 1) * c["volume"]
    c["signed"] = np.where(np.isnan(c["change"]), np.nan, np.sign(c["change"]) * c["volume"])
    c["typical"] = (c["high"] + c["low"] + c["close"]) / 3
    c["flow"] = np.sign(c["typical"] - before(c["typical"])) * c["typical"] * c["volume"]
    c["impact"] = np.abs(c["return"]) / (c["close"] * c["volume"])
    c["overnight"], c["body"] = np.log(c["open"] / before(c["close"])), np.log(c["close"] / c["open"])
    up, down = np.log(c["high"] / c["open"]), np.log(c["low"] / c["open"])
    c["garman_klass"] = 0.5 * (up - down) ** 2 - (2 * math.log(2) - 1) * c["body"] ** 2
    c["rogers_satchell"] = up * (up - c["body"]) + down * (down - c["body"])
    return c


# By name without the window: the columns, and what is measured of each window of them.
MEASURES: dict[str, tuple[tuple[str, ...], Measure]] = {
    "BETA": (("close",), lambda c: slope(c) / c[-1]),
    "RSQR": (("close",), lambda c: correlation(np.arange(len(c)), c) ** 2),
    "RESI": (("close",), lambda c: (c[-1] - fitted_end(c)) / c[-1]),
    "STD": (("close",), lambda c: np.std(c, ddof=1) / c[-1]),
    "RSV": (("close", "high", "low"), lambda c, h, w: (c[-1] - w.min()) / (h.max() - w.min())),
    "RANK": (("close",), lambda c: stats.rankdata(c)[-1] / len(c)),
    "IMAX": (("high",), lambda h: position_of(len(h) - 1 - h[::-1].argmax(), h)),
    "IMIN": (("low",), lambda w: position_of(len(w) - 1 - w[::-1].argmin(), w)),
    "IMXD": (("high", "low"), lambda h, w: float(w[::-1].argmin() - h[::-1].argmax()) / len(h)),
    "CORR": (("close", "log_volume"), correlation),
    "CORD": (("return", "log_volume_change"), correlation),
    "CNTP": (("change",), lambda d: np.mean(d > 0)),
    "CNTN": (("change",), lambda d: np.mean(d < 0)),
    "CNTD": (("change",), lambda d: np.mean(np.sign(d))),
    "SUMP": (("change",), share_of_ups),
    "SUMN": (("change",), lambda d: share_of_ups(-d)),
    "SUMD": (("change",), net_share),
    "VSTD": (("volume",), lambda v: np.std(v, ddof=1) / np.mean(v)),
    "WVMA": (("moved",), lambda m: np.std(m, ddof=1) / np.mean(m)),
    "VSUMP": (("volume_change",), share_of_ups),
    "VSUMN": (("volume_change",), lambda d: share_of_ups(-d)),
    "VSUMD": (("volume_change",), net_share),
}
MEASURES_OF_ONE: dict[str, tuple[tuple[str, ...], Measure]] = {
    "QTLU20": (("close",), lambda c: np.quantile(c, 0.8) / c[-1]),
    "QTLD60": (("close",), lambda c: np.quantile(c, 0.2) / c[-1]),
    "high_252_distance": (("close", "high"), lambda c, h: math.log(c[-1] / h.max())),
    "low_60_distance": (("close", "low"), lambda c, w: math.log(c[-1] / w.min())),
    "max_drawdown_20": (("log_close",), worst_fall),
    "max_drawdown_60": (("log_close",), worst_fall),
    "volatility_30": (("return",), lambda r: np.std(r, ddof=1)),
    "garman_klass_20": (("garman_klass",), lambda g: math.sqrt(np.mean(g))),
    "rogers_satchell_60": (("rogers_satchell",), lambda r: math.sqrt(np.mean(r))),
    "yang_zhang_20": (("overnight", "body", "rogers_satchell"), yang_zhang),
    "downside_volatility_20": (("return",), lambda r: math.sqrt(np.mean(np.minimum(r, 0) ** 2))),
    "skewness_20": (("return",), stats.skew),
    "skewness_60": (("return",), stats.skew),
    "kurtosis_20": (("return",), stats.kurtosis),
    "kurtosis_60": (("return",), stats.kurtosis),
    "max_return_20": (("return",), np.max),
    "min_return_20": (("return",), np.min),
    "autocorrelation_20": (("return", "return_before"), correlation),
    "cci_20": (("typical",), lambda t: (t[-1] - t.mean()) / (0.015 * np.abs(t - t.mean()).mean())),
    "mfi_14": (("flow",), lambda f: 100 * share_of_ups(f)),
    "obv_change_20": (("signed", "volume"), lambda s, v: s.sum() / v.sum()),
    "close_to_vwap20": (("close", "typical", "volume"), lambda c, t, v: c[-1] / np.average(t, weights=v) - 1),
    "amihud_ratio_5_60": (("impact",), lambda i: i[-5:].mean() / i.mean()),
    "volume_to_ma30": (("volume",), lambda v: v[-1] / v.mean() - 1),
    "ma_ratio_20_60": (("close",), lambda c: c[-20:].mean() / c.mean() - 1),
    "momentum_252_21": (("log_close",), lambda c: c[-22] - c[0]),
}
# Where the name's last number is not the length of the window.
LENGTHS = {"momentum_252_21": 253}


def measured(clean: pl.DataFrame) -> dict[str, Array]:
    of = columns(clean)
    cases = {f"{name}{n}": case for name, case in MEASURES.items() for n in (5, 10, 20, 30, 60)} | MEASURES_OF_ONE
    found = {}
    for name, (sources, measure) in cases.items():
        digits = "".join(character if character.isdigit() else " " for character in name).split()
        length = LENGTHS.get(name, int(digits[-1]))
        values = np.full(len(clean), np.nan)
        for end in range(length, len(clean) + 1):
            windows = [of[source][end - length : end] for source in sources]
            if not any(np.isnan(window).any() for window in windows):
                values[end - 1] = measure(*windows)
        found[name] = values
    return found


def directional(clean: pl.DataFrame) -> dict[str, Array]:
    """Wilder's directional movement, session by session."""
    rows = clean.select("high", "low", "close").rows()
    plus, minus = [math.nan], [math.nan]
    spread = [rows[0][0] - rows[0][1]]
    for (high_1, low_1, close_1), (high, low, _close) in pairwise(rows):
        rise, drop = high - high_1, low_1 - low
        plus.append(rise if rise > drop and rise > 0 else 0.0)
        minus.append(drop if drop > rise and drop > 0 else 0.0)
        spread.append(max(high, close_1) - min(low, close_1))
    ranges = ema(np.array(spread), 1 / 14, 14)
    up = 100 * ema(np.array(plus), 1 / 14, 14) / ranges
    down = 100 * ema(np.array(minus), 1 / 14, 14) / ranges
    return {
        "plus_di_14": up,
        "minus_di_14": down,
        "adx_14": ema(100 * np.abs(up - down) / (up + down), 1 / 14, 14),
    }


def by_session(clean: pl.DataFrame) -> dict[str, Array]:
    """Candles and the calendar."""
    o, h, w, c = (clean[name].to_numpy() for name in ("open", "high", "low", "close"))
    top, bottom, length = np.where(o > c, o, c), np.where(o < c, o, c), h - w
    days = clean["session"].to_list()
    year = 2 * np.pi * np.array([day.timetuple().tm_yday - 1 for day in days]) / 366
    ends = np.array([calendar.monthrange(day.year, day.month)[1] for day in days])
    turn = 2 * np.pi * np.array([day.day - 1 for day in days]) / ends
    with np.errstate(invalid="ignore"):
        of_length = {"KMID2": c - o, "KUP2": h - top, "KLOW2": bottom - w, "KSFT2": 2 * c - h - w}
        shares = {name: np.where(length == 0, 0.0, part / length) for name, part in of_length.items()}
    return shares | {
        "KMID": c / o - 1,
        "KLEN": length / o,
        "KUP": (h - top) / o,
        "KLOW": (bottom - w) / o,
        "KSFT": (2 * c - h - w) / o,
        "year_sin": np.sin(year),
        "year_cos": np.cos(year),
        "month_sin": np.sin(turn),
        "month_cos": np.cos(turn),
        "turn_of_month": np.array(
            [float(day.day <= 3 or day.day > end - 3) for day, end in zip(days, ends, strict=True)]
        ),
        "days_since_session": np.array([np.nan, *((late - early).days for early, late in pairwise(days))]),
    }


@pytest.mark.parametrize("compute", [oracle, measured, directional, by_session])
def test_values_are_those_of_an_independent_computation(
    compute: Callable[[pl.DataFrame], dict[str, Array]], clean: pl.DataFrame
) -> None:
    expected = compute(clean)
    computed = compute_features(clean, expected)
    for name, values in expected.items():
        ours = computed[name].fill_null(math.nan).to_numpy()
        np.testing.assert_allclose(ours, values, rtol=1e-9, atol=1e-11, err_msg=name, equal_nan=True)


def test_every_family_of_formulas_has_an_oracle(clean: pl.DataFrame) -> None:
    checked = {name for compute in (oracle, measured, directional, by_session) for name in compute(clean.head(60))}
    families = {re.sub(r"\d+", "#", name) for name in checked}
    assert {name for name in feature_names() if re.sub(r"\d+", "#", name) not in families} == set()


def test_all_sixteen_classic_columns_have_an_oracle(clean: pl.DataFrame) -> None:
    assert set(feature_names()[:16]) <= set(oracle(clean))
