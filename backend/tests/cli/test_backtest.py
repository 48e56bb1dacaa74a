from __future__ import annotations

import numpy as np
from rich.console import Console
from stock_mlops.cli.backtest import heading, result_table, sweep_table, verdict
from stock_mlops.forecasting.backtest import BacktestResult, BacktestSettings, backtest
from stock_mlops.instruments import Instrument
from stock_mlops.services.backtesting import ChampionBacktest
from stock_mlops.stores.catalog import Champion

N = 300
SESSIONS = np.busday_offset("2020-01-06", list(range(N))).astype("datetime64[D]")


def result(forecasts: np.typing.NDArray[np.float64], drift: float = 0.0) -> BacktestResult:
    opens = 50 * np.exp(np.cumsum(np.random.default_rng(1).normal(drift, 0.01, N)))
    return backtest(SESSIONS, opens, opens, forecasts, 1, BacktestSettings(slippage_bps=1.5), trials=7)


def foresight() -> np.typing.NDArray[np.float64]:
    moves = np.diff(np.log(50 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, N)))))
    return np.append(moves[1:], [np.nan, np.nan])


def test_the_tables_fit_a_terminal_of_80_columns_and_name_their_terms() -> None:
    found = ChampionBacktest(
        Instrument("US", "AAPL"), Champion("stock-US-AAPL", 12, "run", "uri"), "return", result(foresight())
    )
    console = Console(width=80, record=True)
    for line in heading(found):
        console.print(line)
    console.print(result_table(found.result))
    console.print(sweep_table(found.result))
    text = console.export_text()
    assert "US:AAPL by stock-US-AAPL version 12, 1 session ahead\n" in text
    assert "2020-01-07 to 2021-02-25, long/flat, 6.5 bp per side\n" in text
    assert "deflated, 7 tried" in text
    assert "…" not in text
    assert text.count("%") > 20


def test_luck_and_a_strategy_that_does_nothing_are_called_that() -> None:
    noise = np.random.default_rng(3).normal(size=N)
    assert "Not told from luck" in verdict(result(noise))[0]
    assert "nothing that holding does not" in verdict(result(np.full(N, -1.0)))[0]
    assert "nothing that holding does not" in verdict(result(np.ones(N), drift=0.01))[0]
    assert "More than luck" in verdict(result(foresight()))[0]


def test_a_strategy_behind_buying_and_holding_is_told_so() -> None:
    assert "Buying and holding earned more" in verdict(result(np.full(N, -1.0), drift=0.01))[-1]
    assert "Buying and holding" not in verdict(result(foresight()))[-1]
