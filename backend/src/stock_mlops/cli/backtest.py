"""``stock-mlops backtest``: what following a model's forecasts would have earned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from stock_mlops.forecasting.backtest import BacktestResult, Performance
    from stock_mlops.services.backtesting import ChampionBacktest

_LEGEND = (
    "Decided at each close on forecasts made without having seen what followed, executed at the next open. Sharpe over"
    " a riskless return of 0, 252 sessions a year; costs per side."
)
# A strategy whose alpha is above zero with this probability is taken to be more than luck.
_CONFIDENCE = 0.95


def register(app: typer.Typer) -> None:
    app.command("backtest")(backtest)


def backtest(
    ticker: Annotated[str, typer.Argument(help="Ticker, e.g. AAPL; 2330.TW and TW:2330 are understood as well.")],
    exchange: Annotated[str, typer.Option(help="Market code: US, TW, HK, JP, UK, DE, ...")] = "US",
    horizon: Annotated[int, typer.Option(min=1, help="Sessions ahead; each forecast is held so long.")] = 1,
    mode: Annotated[
        Literal["long_flat", "long_short"], typer.Option(help="What a forecast of a fall means: out, or sold short.")
    ] = "long_flat",
    signal: Annotated[
        Literal["return", "probability"], typer.Option(help="Trade on the expected return, or the chance of a rise.")
    ] = "return",
    threshold: Annotated[
        float, typer.Option(min=0.0, help="Act only on log returns beyond this, or chances so far from one half.")
    ] = 0.0,
    cost_bps: Annotated[float, typer.Option(min=0.0, help="Costs per side, in basis points.")] = 5.0,
    slippage_bps: Annotated[float, typer.Option(min=0.0, help="Slippage per side, in basis points.")] = 0.0,
    sweep: Annotated[bool, typer.Option("--sweep/--no-sweep", help="Show the strategy under other costs too.")] = True,
) -> None:
    """Backtest the model that serves a ticker, beside buying and holding it."""
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError
    from stock_mlops.forecasting.backtest import BacktestSettings
    from stock_mlops.instruments import parse_symbol
    from stock_mlops.services.backtesting import open_backtesting

    try:
        instrument = parse_symbol(ticker, default_exchange=exchange.upper())
        settings = BacktestSettings(mode, threshold, cost_bps=cost_bps, slippage_bps=slippage_bps)
    except ValueError as error:
        fail(str(error))
    try:
        with open_backtesting(get_settings()) as backtesting:
            found = backtesting.champion(instrument, horizon=horizon, settings=settings, signal=signal)
    except StockMlopsError as error:
        fail(f"{error.title}: {error.detail}")
    show(found, sweep=sweep)


def show(found: ChampionBacktest, *, sweep: bool) -> None:
    """Print a backtest."""
    for line in heading(found):
        console.print(line, highlight=False)
    console.print(result_table(found.result))
    if sweep:
        console.print(sweep_table(found.result))
    console.print(_LEGEND, style="dim", highlight=False)
    for line in verdict(found.result):
        console.print(line)


def heading(found: ChampionBacktest) -> list[str]:
    """What was traded, and when."""
    told, settings = found.result.to_dict(), found.result.settings
    ahead = "1 session" if found.result.horizon == 1 else f"{found.result.horizon} sessions"
    return [
        f"{found.instrument} by {found.champion.registered_name} version {found.champion.version}, {ahead} ahead",
        f"{told['first_session']} to {told['last_session']}, {settings.mode.replace('_', '/')},"
        f" {settings.total_bps:g} bp per side",
    ]


def result_table(result: BacktestResult) -> Table:
    """The strategy beside buy-and-hold; fits a terminal 80 wide."""
    table = plain_table()
    for name in ("", "strategy", "buy and hold"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for label, form, pick in _PERFORMANCE:
        table.add_row(label, _cell(pick(result.strategy), form), _cell(pick(result.buy_and_hold), form))
    for label, value in _trading_rows(result):
        table.add_row(label, value)
    return table


_PERFORMANCE: tuple[tuple[str, str, Callable[[Performance], float | None]], ...] = (
    ("total return", "{:+.1%}", lambda found: found.total_return),
    ("return a year", "{:+.1%}", lambda found: found.annualised_return),
    ("volatility a year", "{:.1%}", lambda found: found.annualised_volatility),
    ("Sharpe ratio", "{:.2f}", lambda found: found.sharpe),
    ("maximum drawdown", "{:.1%}", lambda found: found.max_drawdown),
    ("its length", "{:,} sessions", lambda found: found.drawdown_sessions),
)


def _trading_rows(result: BacktestResult) -> list[tuple[str, str]]:
    trading = result.trading
    return [
        ("P(Sharpe > 0)", _cell(trading.probabilistic_sharpe, "{:.1%}")),
        (f"deflated, {result.trials} tried", _cell(trading.deflated_sharpe, "{:.1%}")),
        ("beta to holding", _cell(trading.beta, "{:.2f}")),
        ("alpha a year", _cell(trading.alpha, "{:+.1%}")),
        ("P(alpha > 0), deflated", _cell(trading.deflated_alpha, "{:.1%}")),
        ("turnover a year", f"{trading.turnover_per_year:.1f}x"),
        ("exposure", f"{trading.exposure:.1%}"),
        ("trades", f"{trading.trades:,}"),
        ("trades that earned", _cell(trading.trade_hit_rate, "{:.1%}")),
        ("sessions on the right side", _cell(trading.session_hit_rate, "{:.1%}")),
        ("break-even cost", _cell(trading.break_even_bps, "{:.1f} bp")),
    ]


def sweep_table(result: BacktestResult) -> Table:
    table = plain_table()
    for heading in ("bp per side", "total return", "return a year", "Sharpe ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for point in result.cost_sweep():
        table.add_row(
            f"{point.bps:g}",
            f"{point.total_return:+.1%}",
            f"{point.annualised_return:+.1%}",
            _cell(point.sharpe, "{:.2f}"),
        )
    return table


def verdict(result: BacktestResult) -> list[str]:
    """What the numbers mean, in sentences."""
    deflated = result.trading.deflated_alpha
    lines = []
    if deflated is None:
        lines.append("[yellow]It did nothing that holding does not: there is no skill to judge.[/yellow]")
    else:
        told = f"a chance of {deflated:.0%} that it earns more than its share of holding"
        lines.append(
            f"[yellow]Not told from luck: {told}.[/yellow]"
            if deflated < _CONFIDENCE
            else f"[green]More than luck: {told}.[/green]"
        )
    if result.strategy.total_return < result.buy_and_hold.total_return:
        lines.append("[yellow]Buying and holding earned more.[/yellow]")
    return lines


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
