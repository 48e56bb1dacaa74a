"""What following the forecasts would have earned: decided at a close, executed at the next session's open, with costs.

Pure functions of arrays on the exchange's session axis. Nothing here knows a price before it was known then: the
position held from the open of session k rests on forecasts made at closes up to k - 1.
"""

from stock_mlops.forecasting.backtest.performance import Performance, Trading
from stock_mlops.forecasting.backtest.run import DEFAULT_SWEEP_BPS, BacktestResult, CostPoint, backtest
from stock_mlops.forecasting.backtest.settings import MODES, BacktestSettings, Mode

__all__ = [
    "DEFAULT_SWEEP_BPS",
    "MODES",
    "BacktestResult",
    "BacktestSettings",
    "CostPoint",
    "Mode",
    "Performance",
    "Trading",
    "backtest",
]
