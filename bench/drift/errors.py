"""How often error drift is told of without a reason, and how soon with one: ``python -m bench.drift.errors``.

On the sample, with the random walk's forecasts and intervals that follow an exponentially weighted volatility
(RiskMetrics, 0.94), as adapted intervals do. A break multiplies the errors from some session on, and leaves the
intervals alone.
"""

from __future__ import annotations

import numpy as np
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.monitoring.error_drift import error_drifts, relative_errors

from bench.drift.history import TICKERS, prices

_DECAY = 0.94
_NORMAL_90 = 1.645
_WARM_UP = 60
_YEAR = 252
# Sessions before and after a break, and from one break to the next.
_BEFORE, _AFTER, _EVERY = 200, 120, 150


def relative(ticker: str) -> Floats:
    """Errors (sessions,) of one session ahead in half-widths of their intervals."""
    errors = np.diff(np.log(prices(ticker)["close"].to_numpy()))
    variance, widths = float(np.var(errors[:_WARM_UP])), np.empty(len(errors))
    for position, error in enumerate(errors):
        widths[position] = 2 * _NORMAL_90 * np.sqrt(variance)
        variance = _DECAY * variance + (1 - _DECAY) * error**2
    return relative_errors(errors, widths)[_WARM_UP:]


def delays(errors: Floats, factor: float) -> dict[str, list[int | None]]:
    """Sessions from a break to its first finding, per method; None where there was none."""
    found: dict[str, list[int | None]] = {"page_hinkley": [], "adwin": []}
    for start in range(_BEFORE, len(errors) - _AFTER, _EVERY):
        broken = errors[start - _BEFORE : start + _AFTER].copy()
        broken[_BEFORE:] *= factor
        drifts = [item for item in error_drifts(broken) if item.position >= _BEFORE]
        for method, values in found.items():
            values.append(next((item.position - _BEFORE + 1 for item in drifts if item.method == method), None))
    return found


def main() -> None:
    series = {ticker: relative(ticker) for ticker in TICKERS}
    years = sum(map(len, series.values())) / _YEAR
    findings = [item for errors in series.values() for item in error_drifts(errors)]
    for method in ("page_hinkley", "adwin"):
        count = sum(item.method == method for item in findings)
        print(f"{method}: {count} findings in {years:.0f} undisturbed years of {', '.join(series)}")
    for factor in (1.5, 2.0, 3.0):
        for method in ("page_hinkley", "adwin"):
            all_delays = [delay for errors in series.values() for delay in delays(errors, factor)[method]]
            seen = [delay for delay in all_delays if delay is not None]
            median = f"median {np.median(seen):.0f} sessions" if seen else "-"
            print(f"errors x {factor:g}, {method}: {len(seen)} of {len(all_delays)} breaks found, {median}")


if __name__ == "__main__":
    main()
