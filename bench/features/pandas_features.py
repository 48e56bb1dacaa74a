"""The registry's features in pandas, as somebody who knows pandas writes them.

Every window is a kernel of ``groupby().rolling()`` or ``groupby().ewm()``, not a Python function per window; what
several features share is computed once; results are plain arrays, so that no index is aligned. Correlations are
written out in means, since ``groupby().rolling().corr()`` takes a hundred times as long. Only what pandas has no
kernel for (the position of an extreme, the largest drawdown, the mean absolute deviation) calls NumPy for every
window, on raw arrays; these are ``WITHOUT_KERNEL`` and can be left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
WINDOWS = (5, 10, 20, 30, 60)
WITHOUT_KERNEL = ("IMAX", "IMIN", "IMXD", "max_drawdown", "cci")
"""How the names begin of the features that pandas has no kernel for."""


class _Panel:
    """Columns of tickers one after another."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame.reset_index(drop=True)
        self.roll = cache(self._roll)
        self.lag = cache(self._lag)
        self.ewm = cache(self._ewm)

    def __getitem__(self, name: str) -> Array:
        return self.frame[name].to_numpy()

    def __setitem__(self, name: str, values: Array) -> None:
        self.frame[name] = values

    def _roll(self, name: str, n: int, statistic: str, *arguments: float) -> Array:
        rolling = self.frame.groupby("ticker", sort=False)[name].rolling(n)
        return getattr(rolling, statistic)(*arguments).to_numpy()

    def each(self, name: str, n: int, function: Callable[[Array], float]) -> Array:
        """A Python function of every window."""
        rolling = self.frame.groupby("ticker", sort=False)[name].rolling(n)
        return rolling.apply(function, raw=True).to_numpy()

    def _lag(self, name: str, n: int) -> Array:
        return self.frame.groupby("ticker", sort=False)[name].shift(n).to_numpy()

    def _ewm(self, name: str, alpha: float, first: int) -> Array:
        averages = self.frame.groupby("ticker", sort=False)[name].ewm(alpha=alpha, adjust=False, min_periods=first)
        return averages.mean().to_numpy()


def compute(frame: pd.DataFrame, *, without_kernel: bool = True) -> dict[str, Array]:
    """Features by name of ``frame``: ticker, session, open, high, low, close, volume, by ticker and session.

    Args:
        frame: prices.
        without_kernel: also those that take a Python function per window.
    """
    panel = _Panel(frame)
    features: dict[str, Array] = {}
    parts: tuple[Callable[[_Panel, dict[str, Array]], None], ...] = (
        _classic, _momentum, _trend, _directional, _volatility, _estimators, _liquidity, _flows, _calendar, _candle,
        _position, _quantiles, _counts, _co_movement,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        for part in (*parts, _by_window) if without_kernel else parts:
            part(panel, features)
    return features


def _ratio(part: Array, whole: Array, neutral: float) -> Array:
    return np.where(whole == 0, neutral, part / whole)


def _classic(p: _Panel, f: dict[str, Array]) -> None:
    close = p["close"]
    for name in ("open", "high", "low", "close", "volume"):
        f[name] = p[name]
    f["MA5"], f["MA10"] = p.roll("close", 5, "mean"), p.roll("close", 10, "mean")
    f["EMA12"], f["EMA26"] = p.ewm("close", 2 / 13, 12), p.ewm("close", 2 / 27, 26)
    f["MACD"] = p["macd"] = f["EMA12"] - f["EMA26"]
    f["MACD_signal"] = p.ewm("macd", 2 / 10, 9)
    f["MACD_hist"] = f["MACD"] - f["MACD_signal"]
    middle, spread = p.roll("close", 20, "mean"), p.roll("close", 20, "std", 0)
    f["BB_upper"], f["BB_middle"], f["BB_lower"] = middle + 2 * spread, middle, middle - 2 * spread
    f["VOL_MA10"] = p.roll("volume", 10, "mean")
    f["bb_position"] = np.where(spread > 1e-9, (close - middle) / (2 * spread), 0.0)
    f["bb_position"][np.isnan(spread)] = np.nan
    f["bb_width"] = 4 * spread / middle


def _momentum(p: _Panel, f: dict[str, Array]) -> None:
    close, high, low = p["close"], p["high"], p["low"]
    for n in (1, 2, 3, 5, 10, 20, 30, 60, 120):
        f[f"return_{n}"] = np.log(close / p.lag("close", n))
    p["log_return"] = f["return_1"]
    p["change"] = close - p.lag("close", 1)
    p["gain"], p["loss"] = np.maximum(p["change"], 0), np.maximum(-p["change"], 0)
    for name, flag in (("up", p["change"] > 0), ("down", p["change"] < 0)):
        p[name] = np.where(np.isnan(p["change"]), np.nan, flag)
    f["gap"] = np.log(p["open"] / p.lag("close", 1))
    f["intraday_return"] = np.log(close / p["open"])
    gain, loss = p.ewm("gain", 1 / 14, 14), p.ewm("loss", 1 / 14, 14)
    f["rsi_14"] = np.where(gain + loss == 0, 50.0, 100 * gain / (gain + loss))
    highest, lowest = p.roll("high", 14, "max"), p.roll("low", 14, "min")
    f["stochastic_14"] = _ratio(close - lowest, highest - lowest, 0.5)
    f["williams_r_14"] = 100 * (f["stochastic_14"] - 1)
    f["close_location"] = _ratio(close - low, high - low, 0.5)
    f["up_share_10"] = p.roll("up", 10, "mean")
    f["momentum_252_21"] = np.log(p.lag("close", 21) / p.lag("close", 252))


def _trend(p: _Panel, f: dict[str, Array]) -> None:
    close = p["close"]
    for n in WINDOWS:
        f[f"close_to_ma{n}"] = close / p.roll("close", n, "mean") - 1
    f["close_to_ema12"], f["close_to_ema26"] = close / f["EMA12"] - 1, close / f["EMA26"] - 1
    for name in ("MACD", "MACD_signal", "MACD_hist"):
        f[f"{name.lower()}_ratio"] = f[name] / close
    for short, long in ((5, 20), (20, 60)):
        f[f"ma_ratio_{short}_{long}"] = p.roll("close", short, "mean") / p.roll("close", long, "mean") - 1
    p["row"] = p.frame.groupby("ticker", sort=False).cumcount().to_numpy().astype(float)
    p["row_close"] = p["row"] * close
    for n in WINDOWS:
        mean = p.roll("close", n, "mean")
        covariance = p.roll("row_close", n, "mean") - (p["row"] - (n - 1) / 2) * mean
        slope = covariance / ((n * n - 1) / 12)
        variance = p.roll("close", n, "var", 0)
        f[f"BETA{n}"] = slope / close
        f[f"RSQR{n}"] = np.clip(_ratio(covariance**2, (n * n - 1) / 12 * variance, 0.0), 0, 1)
        f[f"RESI{n}"] = (close - mean - slope * ((n - 1) / 2)) / close


def _directional(p: _Panel, f: dict[str, Array]) -> None:
    high, low, before = p["high"], p["low"], p.lag("close", 1)
    p["true_range"] = np.fmax(high, before) - np.fmin(low, before)
    rise, drop = high - p.lag("high", 1), p.lag("low", 1) - low
    p["plus"] = np.where(np.isnan(rise), np.nan, np.where((rise > drop) & (rise > 0), rise, 0.0))
    p["minus"] = np.where(np.isnan(rise), np.nan, np.where((drop > rise) & (drop > 0), drop, 0.0))
    spread = p.ewm("true_range", 1 / 14, 14)
    f["atr_14_ratio"] = spread / p["close"]
    plus = f["plus_di_14"] = _ratio(100 * p.ewm("plus", 1 / 14, 14), spread, 0.0)
    minus = f["minus_di_14"] = _ratio(100 * p.ewm("minus", 1 / 14, 14), spread, 0.0)
    p["dx"] = _ratio(100 * np.abs(plus - minus), plus + minus, 0.0)
    f["adx_14"] = p.ewm("dx", 1 / 14, 14)


def _volatility(p: _Panel, f: dict[str, Array]) -> None:
    for n in WINDOWS:
        f[f"volatility_{n}"] = p.roll("log_return", n, "std")
        f[f"STD{n}"] = p.roll("close", n, "std") / p["close"]
    for short, long in ((5, 20), (20, 60)):
        f[f"volatility_ratio_{short}_{long}"] = _ratio(f[f"volatility_{short}"], f[f"volatility_{long}"], 1.0)
    p["squared_loss"] = np.minimum(p["log_return"], 0) ** 2
    for n in (20, 60):
        f[f"downside_volatility_{n}"] = np.sqrt(p.roll("squared_loss", n, "mean"))
        # pandas corrects for the sample; the registry's are the window's own moments.
        f[f"skewness_{n}"] = p.roll("log_return", n, "skew") * ((n - 2) / math.sqrt(n * (n - 1)))
        f[f"kurtosis_{n}"] = (p.roll("log_return", n, "kurt") * ((n - 2) * (n - 3) / (n - 1)) - 6) / (n + 1)
    f["max_return_20"], f["min_return_20"] = p.roll("log_return", 20, "max"), p.roll("log_return", 20, "min")


def _estimators(p: _Panel, f: dict[str, Array]) -> None:
    open_, high, low, close = p["open"], p["high"], p["low"], p["close"]
    f["range_1"] = np.log(high / low)
    p["squared_range"], p["body"], p["overnight"] = f["range_1"] ** 2, f["intraday_return"], f["gap"]
    p["garman_klass"] = 0.5 * p["squared_range"] - (2 * math.log(2) - 1) * p["body"] ** 2
    p["rogers_satchell"] = np.log(high / close) * np.log(high / open_) + np.log(low / close) * np.log(low / open_)
    for n in (20, 60):
        f[f"parkinson_{n}"] = np.sqrt(p.roll("squared_range", n, "mean") / (4 * math.log(2)))
        f[f"garman_klass_{n}"] = np.sqrt(np.maximum(p.roll("garman_klass", n, "mean"), 0))
        rogers_satchell = p.roll("rogers_satchell", n, "mean")
        f[f"rogers_satchell_{n}"] = np.sqrt(np.maximum(rogers_satchell, 0))
        k = 0.34 / (1.34 + (n + 1) / (n - 1))
        squared = p.roll("overnight", n, "var") + k * p.roll("body", n, "var") + (1 - k) * rogers_satchell
        f[f"yang_zhang_{n}"] = np.sqrt(np.maximum(squared, 0))


def _liquidity(p: _Panel, f: dict[str, Array]) -> None:
    volume = p["volume"]
    p["log_volume"] = np.log1p(volume)
    f["volume_change_1"] = p["log_volume_change"] = p["log_volume"] - p.lag("log_volume", 1)
    mean, spread = p.roll("log_volume", 20, "mean"), p.roll("log_volume", 20, "std", 0)
    f["volume_zscore_20"] = _ratio(p["log_volume"] - mean, spread, 0.0)
    p["volume_change"] = volume - p.lag("volume", 1)
    p["more"], p["less"] = np.maximum(p["volume_change"], 0), np.maximum(-p["volume_change"], 0)
    p["moved"] = np.abs(p["close"] / p.lag("close", 1) - 1) * volume
    for n in WINDOWS:
        f[f"volume_to_ma{n}"] = _ratio(volume, p.roll("volume", n, "mean"), 1.0) - 1
        f[f"VSTD{n}"] = _ratio(p.roll("volume", n, "std"), p.roll("volume", n, "mean"), 0.0)
        f[f"WVMA{n}"] = _ratio(p.roll("moved", n, "std"), p.roll("moved", n, "mean"), 0.0)
        more, less = p.roll("more", n, "sum"), p.roll("less", n, "sum")
        f[f"VSUMP{n}"] = _ratio(more, more + less, 0.5)
        f[f"VSUMN{n}"] = _ratio(less, more + less, 0.5)
        f[f"VSUMD{n}"] = _ratio(more - less, more + less, 0.0)


def _flows(p: _Panel, f: dict[str, Array]) -> None:
    volume, close = p["volume"], p["close"]
    p["signed"] = np.sign(p["change"]) * volume
    p["typical"] = (p["high"] + p["low"] + close) / 3
    p["money"] = p["typical"] * volume
    typical_change = p["typical"] - p.lag("typical", 1)
    p["inflow"] = np.where(np.isnan(typical_change), np.nan, (typical_change > 0) * p["money"])
    p["outflow"] = np.where(np.isnan(typical_change), np.nan, (typical_change < 0) * p["money"])
    inflow, outflow = p.roll("inflow", 14, "sum"), p.roll("outflow", 14, "sum")
    f["mfi_14"] = _ratio(100 * inflow, inflow + outflow, 50.0)
    p["impact"] = _ratio(np.abs(p["log_return"]), close * volume, 0.0)
    for n in (20, 60):
        f[f"obv_change_{n}"] = _ratio(p.roll("signed", n, "sum"), p.roll("volume", n, "sum"), 0.0)
        f[f"close_to_vwap{n}"] = _ratio(close * p.roll("volume", n, "sum"), p.roll("money", n, "sum"), 1.0) - 1
    for n in (5, 20):
        f[f"amihud_ratio_{n}_60"] = _ratio(p.roll("impact", n, "mean"), p.roll("impact", 60, "mean"), 1.0)


def _calendar(p: _Panel, f: dict[str, Array]) -> None:
    session = p.frame["session"]
    days = session.dt.days_in_month
    angles = {
        "weekday": session.dt.weekday * (2 * math.pi / 5),
        "year": (session.dt.dayofyear - 1) * (2 * math.pi / 366),
        "month": (session.dt.day - 1) * (2 * math.pi / days),
    }
    for name, angle in angles.items():
        f[f"{name}_sin"], f[f"{name}_cos"] = np.sin(angle.to_numpy()), np.cos(angle.to_numpy())
    f["turn_of_month"] = ((session.dt.day <= 3) | (days - session.dt.day < 3)).to_numpy().astype(float)
    f["days_since_session"] = p.frame.groupby("ticker", sort=False)["session"].diff().dt.days.to_numpy()


def _candle(p: _Panel, f: dict[str, Array]) -> None:
    open_, high, low, close = p["open"], p["high"], p["low"], p["close"]
    body, length, shift = close - open_, high - low, 2 * close - high - low
    upper, lower = high - np.maximum(open_, close), np.minimum(open_, close) - low
    f["KMID"], f["KLEN"], f["KUP"] = body / open_, length / open_, upper / open_
    f["KLOW"], f["KSFT"] = lower / open_, shift / open_
    f["KMID2"], f["KUP2"] = _ratio(body, length, 0.0), _ratio(upper, length, 0.0)
    f["KLOW2"], f["KSFT2"] = _ratio(lower, length, 0.0), _ratio(shift, length, 0.0)


def _position(p: _Panel, f: dict[str, Array]) -> None:
    close = p["close"]
    for n in (5, 10, 20, 30, 60, 252):
        f[f"high_{n}_distance"] = np.log(close / p.roll("high", n, "max"))
        f[f"low_{n}_distance"] = np.log(close / p.roll("low", n, "min"))
    for n in WINDOWS:
        low, high = p.roll("low", n, "min"), p.roll("high", n, "max")
        f[f"RSV{n}"] = _ratio(close - low, high - low, 0.5)
        f[f"RANK{n}"] = p.roll("close", n, "rank", "average", True, True)  # type: ignore[arg-type]  # ascending, pct


def _quantiles(p: _Panel, f: dict[str, Array]) -> None:
    for n in (20, 60):
        f[f"QTLU{n}"], f[f"QTLD{n}"] = (p.roll("close", n, "quantile", share) / p["close"] for share in (0.8, 0.2))


def _counts(p: _Panel, f: dict[str, Array]) -> None:
    for n in WINDOWS:
        up, down = p.roll("up", n, "mean"), p.roll("down", n, "mean")
        f[f"CNTP{n}"], f[f"CNTN{n}"], f[f"CNTD{n}"] = up, down, up - down
        gain, loss = p.roll("gain", n, "sum"), p.roll("loss", n, "sum")
        f[f"SUMP{n}"], f[f"SUMN{n}"] = _ratio(gain, gain + loss, 0.5), _ratio(loss, gain + loss, 0.5)
        f[f"SUMD{n}"] = _ratio(gain - loss, gain + loss, 0.0)


def _co_movement(p: _Panel, f: dict[str, Array]) -> None:
    p["log_return_before"] = p.lag("log_return", 1)
    pairs = (
        ("CORR", "close", "log_volume", WINDOWS),
        ("CORD", "log_return", "log_volume_change", WINDOWS),
        ("autocorrelation_", "log_return", "log_return_before", (20, 60)),
    )
    for name, left, right, windows in pairs:
        p["product"] = p[left] * p[right]
        for n in windows:
            product = p.roll.__wrapped__("product", n, "mean")  # type: ignore[attr-defined]  # the column changes
            covariance = product - p.roll(left, n, "mean") * p.roll(right, n, "mean")
            squares = p.roll(left, n, "var", 0) * p.roll(right, n, "var", 0)
            f[f"{name}{n}"] = np.clip(_ratio(covariance, np.sqrt(squares), 0.0), -1, 1)


def _by_window(p: _Panel, f: dict[str, Array]) -> None:
    for n in WINDOWS:
        # Backwards: the latest of equal ones counts.
        since_high = p.each("high", n, lambda values: np.argmax(values[::-1]))
        since_low = p.each("low", n, lambda values: np.argmin(values[::-1]))
        f[f"IMAX{n}"], f[f"IMIN{n}"] = 1 - since_high / n, 1 - since_low / n
        f[f"IMXD{n}"] = (since_low - since_high) / n
    p["log_close"] = np.log(p["close"])
    for n in (20, 60):
        f[f"max_drawdown_{n}"] = -p.each("log_close", n, lambda values: np.max(np.maximum.accumulate(values) - values))
    deviation = p.each("typical", 20, lambda values: np.abs(values - values.mean()).mean())
    f["cci_20"] = _ratio(p["typical"] - p.roll("typical", 20, "mean"), 0.015 * deviation, 0.0)
