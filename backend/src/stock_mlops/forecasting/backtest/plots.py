"""What a backtest looks like, as a picture for the run's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stock_mlops.forecasting.backtest.run import BacktestResult


def equity_plot(result: BacktestResult) -> Callable[[Axes], None]:
    """Draws the equity of the strategy beside buy-and-hold, on a scale where equal heights are equal returns."""

    def draw(axes: Axes) -> None:
        days = result.sessions.astype("datetime64[s]").tolist()
        for name, curve, found in (
            (f"strategy, {result.settings.mode.replace('_', '/')}", result.equity, result.strategy),
            ("buy and hold", result.buy_and_hold_equity, result.buy_and_hold),
        ):
            sharpe = "" if found.sharpe is None else f", Sharpe {found.sharpe:.2f}"
            axes.plot(days, curve, linewidth=1.1, label=f"{name}: {found.annualised_return:+.1%} a year{sharpe}")
        axes.axhline(1, color="grey", linewidth=0.8)
        axes.set(
            title=f"{result.horizon} sessions ahead, {result.settings.total_bps:g} bp per side",
            ylabel="equity",
            yscale="log" if min(result.equity.min(), result.buy_and_hold_equity.min()) > 0 else "linear",
        )
        axes.legend()

    return draw
