from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from stock_mlops.forecasting.backtest import BacktestSettings, backtest
from stock_mlops.forecasting.backtest.plots import equity_plot


@pytest.mark.parametrize(("last", "scale"), [(110.0, "log"), (250.0, "linear")])
def test_both_curves_are_drawn_and_a_total_loss_has_no_logarithm(last: float, scale: str) -> None:
    opens = np.array([100.0, 100.0, 105.0, last])
    sessions = np.busday_offset("2020-01-06", list(range(4)))
    forecasts = np.array([-0.1, -0.1, -0.1, np.nan])
    result = backtest(sessions, opens, opens, forecasts, 1, BacktestSettings("long_short"))
    axes = Figure().add_subplot()
    equity_plot(result)(axes)
    strategy, holding = axes.get_lines()[:2]
    assert np.asarray(strategy.get_ydata()).tolist() == result.equity.tolist()
    assert np.asarray(holding.get_ydata()).tolist() == result.buy_and_hold_equity.tolist()
    assert axes.get_yscale() == scale
