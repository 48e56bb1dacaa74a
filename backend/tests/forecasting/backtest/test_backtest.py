from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock_mlops.forecasting.backtest import MODES, BacktestResult, BacktestSettings, Mode, backtest
from stock_mlops.forecasting.estimators.base import Floats

NAN = math.nan
FREE = BacktestSettings(mode="long_short", cost_bps=0.0)


def axis(n: int) -> Any:
    return np.busday_offset("2020-01-06", list(range(n)))


def run(
    opens: Sequence[float], forecasts: Sequence[float], horizon: int = 1, last_close: float = 100.0, **settings: Any
) -> BacktestResult:
    close = np.full(len(opens), last_close)
    given = BacktestSettings(**settings)
    return backtest(axis(len(opens)), np.array(opens, dtype=float), close, np.array(forecasts), horizon, given)


def random_market(seed: int, n: int = 400) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    opens = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0, 0.003, n))
    return opens, close


# --- by hand ---


def test_six_sessions_by_hand() -> None:
    """Decided at the closes of sessions 0 to 4: up, up, down, up, down; 10 bp per side."""
    found = run([90, 100, 110, 99, 99, 90], [0.01, 0.02, -0.01, 0.01, -0.02, NAN], cost_bps=8.0, slippage_bps=2.0)
    # In at 100 (session 1), held over 110, out at 99 (session 3), in at 99 (session 4), out at 90 (session 5).
    assert found.simulation.positions.tolist() == [1, 1, 0, 1, 0]
    assert found.simulation.turnover.tolist() == [1, 0, 1, 1, 1]
    assert found.simulation.moves == pytest.approx([0.1, -0.1, 0.0, -1 / 11, 1 / 9])
    paid = 1 - 0.001
    steps = [1.1 * paid, 0.9, paid, 10 / 11 * paid, paid]
    assert found.equity == pytest.approx([1.0, *np.cumprod(steps)])
    assert found.strategy.total_return == pytest.approx(0.9 * paid**4 - 1)
    assert found.strategy.annualised_return == pytest.approx((0.9 * paid**4) ** (252 / 5) - 1)
    assert found.trading.trades == 2
    assert found.trading.trade_hit_rate == 0.0  # 99 / 100 and 90 / 99, and costs
    assert found.trading.session_hit_rate == pytest.approx(1 / 3)
    assert found.trading.exposure == pytest.approx(3 / 5)
    assert found.trading.turnover_per_year == pytest.approx(4 / 5 * 252)
    assert found.trading.break_even_bps is None  # it loses before costs
    # The high of 1.1 after session 1 is not reached again.
    assert found.strategy.max_drawdown == pytest.approx(1 - 0.9 * 10 / 11 * paid**3)
    assert found.strategy.drawdown_sessions == 4
    # Bought at 100 once, worth 100 at the last close.
    assert found.buy_and_hold.total_return == pytest.approx(paid - 1)
    assert found.sessions.tolist() == axis(6).tolist()


def test_a_short_position_earns_what_the_price_loses_and_is_brought_back_to_size() -> None:
    found = run([90, 100, 80, 90], [-0.01, -0.01, NAN, NAN], cost_bps=100.0, mode="long_short")
    # Equity 1 -> 1.2 while 1.00 is owed in shares worth 0.8 by then: 2/3 of the equity, so a third is sold again.
    assert found.simulation.positions.tolist() == [-1, -1]
    assert found.simulation.turnover == pytest.approx([1.0, 1 / 3])
    assert found.strategy.total_return == pytest.approx(1.2 * 0.99 * (1 - 0.125) * (1 - 0.01 / 3) - 1)
    assert found.buy_and_hold.total_return == pytest.approx(0.9 * 0.99 - 1)


def test_a_longer_horizon_holds_a_tranche_per_session() -> None:
    found = run([100] * 8, [0.1, 0.1, -0.1, -0.1, -0.1, NAN, NAN, NAN], horizon=3, cost_bps=0.0, mode="long_short")
    thirds = [1, 2, 1, -1, -3, -2, -1]
    assert found.simulation.positions * 3 == pytest.approx(thirds)
    assert found.simulation.turnover * 3 == pytest.approx(np.abs(np.diff([0, *thirds])))
    assert found.trading.trades == 2


def test_a_missing_open_is_no_trade_and_the_position_stays() -> None:
    found = run([90, 100, NAN, 110, 121], [0.1, -0.1, -0.1, -0.1, NAN], cost_bps=0.0)
    # The way out at session 2 had no price; it happens at session 3.
    assert found.simulation.positions.tolist() == [1, 1, 0, 0]
    assert found.simulation.turnover.tolist() == [1, 0, 1, 0]
    assert found.strategy.total_return == pytest.approx(0.1)


def test_what_cannot_be_bought_yet_earns_nothing() -> None:
    found = run([90, NAN, 100, 110], [0.1, 0.1, 0.1, NAN], last_close=121.0, cost_bps=0.0)
    assert found.simulation.positions.tolist() == [0, 1, 1]
    assert found.strategy.total_return == found.buy_and_hold.total_return == pytest.approx(0.21)


def test_what_is_held_at_the_end_of_the_data_is_valued_at_its_last_close() -> None:
    found = run([100, 100, 100], [NAN, 0.1, NAN], last_close=105.0, cost_bps=0.0)
    assert found.equity == pytest.approx([1.0, 1.05])
    assert found.sessions.tolist() == axis(3)[1:].tolist()


def test_a_short_seller_may_lose_everything_and_then_trades_no_more() -> None:
    found = run([100, 100, 250, 100, 50], [-0.1, -0.1, -0.1, -0.1, NAN], mode="long_short")
    assert found.equity[2:].tolist() == [0.0, 0.0, 0.0]
    assert found.strategy.total_return == -1.0
    assert found.strategy.max_drawdown == 1.0
    assert found.simulation.turnover[1:].tolist() == [0.0, 0.0, 0.0]
    assert found.trading.break_even_bps is None


def test_a_drawdown_lasts_from_its_high_until_that_is_reached_again() -> None:
    forecasts = [0.1] * 7 + [NAN]
    found = run([90, 100, 120, 90, 108, 120, 130, 125], forecasts, last_close=125.0, cost_bps=0.0)
    assert found.strategy.max_drawdown == pytest.approx(0.25)
    assert found.strategy.drawdown_sessions == 3


# --- thresholds ---


def test_a_forecast_within_the_threshold_is_not_acted_upon() -> None:
    forecasts = [0.01, 0.011, -0.01, -0.011, NAN]
    found = run([100] * 5, forecasts, threshold=0.01, mode="long_short")
    assert found.simulation.positions.tolist() == [0, 1, 0, -1]


def test_probabilities_are_measured_from_one_half() -> None:
    found = run([100] * 5, [0.6, 0.54, 0.5, 0.4, NAN], threshold=0.05, neutral=0.5, mode="long_short")
    assert found.simulation.positions.tolist() == [1, 0, 0, -1]


# --- against an oracle ---


def oracle(
    opens: list[float], last_close: float, forecasts: list[float], horizon: int, mode: Mode, bps: float
) -> tuple[list[float], list[float]]:
    """Cash and shares, one session at a time; returns the equity at each open after the first, and turnover."""
    decided = [index for index, value in enumerate(forecasts) if not math.isnan(value)]
    first, end = decided[0] + 1, min(decided[-1] + horizon + 1, len(opens))
    cash, shares, price = 1.0, 0.0, NAN
    equity, turnover = [], []
    for k in range(first, end):
        traded = 0.0
        if not math.isnan(opens[k]):
            price = opens[k]
            worth = cash + shares * price
            weight = 0.0
            for made in range(max(0, k - horizon), k):
                if forecasts[made] > 0:
                    weight += 1 / horizon
                if forecasts[made] < 0 and mode == "long_short":
                    weight -= 1 / horizon
            if worth > 0:
                traded = abs(weight * worth - shares * price) / worth
                worth -= traded * worth * bps / 10_000
                shares = weight * worth / price
                cash = worth - shares * price
        later = opens[k + 1] if k + 1 < len(opens) else last_close
        price_after = price if math.isnan(later) else later
        equity.append(cash + (shares * price_after if shares else 0.0))
        turnover.append(traded)
    return equity, turnover


prices = st.one_of(st.floats(50, 80), st.just(NAN))
opinions = st.one_of(st.sampled_from([-0.02, 0.0, 0.01]), st.just(NAN))


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(prices, opinions), min_size=3, max_size=25),
    last_close=st.floats(50, 80),
    horizon=st.integers(1, 6),
    mode=st.sampled_from(MODES),
    bps=st.sampled_from([0.0, 7.0, 100.0]),
)
def test_an_account_kept_by_hand_agrees(
    rows: list[tuple[float, float]], last_close: float, horizon: int, mode: Mode, bps: float
) -> None:
    opens, forecasts = [row[0] for row in rows], [row[1] for row in rows]
    forecasts[0] = 0.01
    found = run(opens, forecasts, horizon, last_close, mode=mode, cost_bps=bps)
    equity, turnover = oracle(opens, last_close, forecasts, horizon, mode, bps)
    assert found.equity[1:] == pytest.approx(equity, rel=1e-9)
    assert found.simulation.turnover == pytest.approx(turnover, abs=1e-9)


# --- properties ---


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), horizon=st.integers(1, 5), after=st.integers(2, 38))
def test_prices_after_a_position_was_taken_do_not_change_it(seed: int, horizon: int, after: int) -> None:
    opens, close = random_market(seed, 40)
    forecasts = np.random.default_rng(seed).normal(size=40)
    before = backtest(axis(40), opens, close, forecasts, horizon, FREE)
    rng = np.random.default_rng(seed + 1)
    opens[after + 1 :] *= np.exp(rng.normal(0, 0.1, 39 - after))
    close[after:] *= np.exp(rng.normal(0, 0.1, 40 - after))
    forecasts[after:] = rng.normal(size=40 - after)
    changed = backtest(axis(40), opens, close, forecasts, horizon, FREE)
    # Row k is session k + 1: what was decided at the close of session ``after`` is first held in row ``after``.
    assert changed.simulation.positions[:after].tolist() == before.simulation.positions[:after].tolist()
    assert changed.simulation.turnover[:after].tolist() == before.simulation.turnover[:after].tolist()
    assert changed.equity[:after].tolist() == before.equity[:after].tolist()


def test_foresight_of_the_next_open_to_open_move_never_loses() -> None:
    opens, close = random_market(1)
    forecasts = np.append(np.log(opens[2:] / opens[1:-1]), [NAN, NAN])
    found = backtest(axis(400), opens, close, forecasts, 1, FREE)
    assert found.trading.session_hit_rate == 1.0
    assert found.trading.trade_hit_rate == 1.0
    assert found.strategy.max_drawdown == 0.0
    assert found.strategy.total_return > 5 > found.buy_and_hold.total_return
    assert found.strategy.sharpe is not None
    assert found.strategy.sharpe > 10
    assert (found.trading.deflated_sharpe or 0.0) > 0.99


def test_always_long_is_buy_and_hold() -> None:
    opens, close = random_market(2)
    found = backtest(axis(400), opens, close, np.ones(400), 1)
    assert found.equity == pytest.approx(found.buy_and_hold_equity)
    assert found.strategy == found.buy_and_hold
    assert found.trading.trades == 1
    assert found.trading.beta == pytest.approx(1.0)
    assert (found.trading.alpha, found.trading.deflated_alpha) == (None, None)


def test_a_price_that_rises_gives_no_alpha_to_who_just_holds_a_part_of_it() -> None:
    rng = np.random.default_rng(6)
    opens = 50 * np.exp(np.cumsum(rng.normal(0.003, 0.01, 2000)))
    blind = np.where(rng.uniform(size=2000) < 0.5, 1.0, -1.0)
    found = backtest(axis(2000), opens, opens, blind, 1, BacktestSettings(cost_bps=0))
    assert (found.trading.deflated_sharpe or 0.0) > 0.99  # it earned, as everybody did
    assert found.trading.beta == pytest.approx(0.5, abs=0.05)
    assert (found.trading.deflated_alpha or 1.0) < 0.95
    net, held = np.diff(np.log(found.equity)), np.diff(np.log(found.buy_and_hold_equity))
    assert found.trading.beta == pytest.approx(np.polyfit(held, net, 1)[0], rel=0.01)
    sighted = backtest(axis(2000), opens, opens, np.append(np.diff(opens)[1:], [NAN, NAN]), 1)
    assert (sighted.trading.deflated_alpha or 0.0) > 0.99


def test_costs_only_take_and_the_break_even_leaves_nothing() -> None:
    opens, close = random_market(3)
    forecasts = np.append(np.log(opens[2:] / opens[1:-1]), [NAN, NAN])
    found = backtest(axis(400), opens, close, forecasts, 2, FREE)
    sweep = [point.total_return for point in found.cost_sweep([0, 1, 5, 20, 100, 500])]
    assert sweep == sorted(sweep, reverse=True)
    assert sweep[0] == found.strategy.total_return
    assert found.trading.break_even_bps is not None
    (nothing,) = found.cost_sweep([found.trading.break_even_bps])
    assert nothing.total_return == pytest.approx(0.0, abs=1e-9)
    paid = backtest(axis(400), opens, close, forecasts, 2, BacktestSettings("long_short", cost_bps=15, slippage_bps=5))
    assert paid.strategy.total_return == pytest.approx(sweep[3])


def test_noise_is_not_trusted_when_it_is_the_best_of_many() -> None:
    opens, close = random_market(4)
    results = [
        backtest(axis(400), opens, close, np.random.default_rng(seed).normal(size=400), 1, FREE, trials=200)
        for seed in range(200)
    ]
    best = max(results, key=lambda result: result.strategy.sharpe or 0.0)
    assert (best.trading.probabilistic_sharpe or 0.0) > 0.95
    assert (best.trading.deflated_sharpe or 1.0) < 0.95


# --- what is undefined ---


def test_a_strategy_that_never_trades_has_no_ratios() -> None:
    found = run([100, 101, 102, 103], [-0.1, -0.1, -0.1, NAN])
    assert found.strategy.total_return == 0.0
    assert (found.strategy.sharpe, found.trading.probabilistic_sharpe, found.trading.deflated_sharpe) == (None,) * 3
    assert (found.trading.trade_hit_rate, found.trading.session_hit_rate, found.trading.break_even_bps) == (None,) * 3
    assert found.trading.trades == 0


def test_a_window_of_one_session_has_no_volatility() -> None:
    found = run([100, 101], [0.1, NAN])
    assert found.strategy.annualised_volatility is None
    assert found.strategy.sharpe is None


def test_the_dictionary_is_plain_and_names_its_window() -> None:
    found = run([90, 100, 110, 99, 99, 90], [0.01, 0.02, -0.01, 0.01, -0.02, NAN]).to_dict()
    assert (found["first_session"], found["last_session"], found["sessions"]) == ("2020-01-07", "2020-01-13", 5)
    values = [value for part in ("strategy", "buy_and_hold", "settings") for value in found[part].values()]
    assert {type(value) for value in values} <= {float, int, str, type(None)}


# --- what is refused ---


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cost_bps": -1.0}, "cost_bps"),
        ({"slippage_bps": 1e4}, "slippage_bps"),
        ({"cost_bps": NAN}, "cost_bps"),
        ({"threshold": -0.1}, "threshold"),
        ({"mode": "short"}, "mode"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BacktestSettings(**values)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"forecasts": np.full(5, NAN)}, "at least one forecast"),
        ({"forecasts": np.array([NAN, NAN, NAN, NAN, 0.1])}, "a session after it"),
        ({"forecasts": np.ones(4)}, "of one length"),
        ({"open": np.array([1.0, 2.0, -1.0, 2.0, 2.0])}, "open: expected positive"),
        ({"close": np.array([1.0, 2.0, np.inf, 2.0, 2.0])}, "close: expected positive"),
        ({"sessions": axis(5)[::-1]}, "ascending"),
        ({"horizon": 0}, "horizon"),
        ({"trials": 0}, "trials"),
    ],
)
def test_wrong_input_is_refused(changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "sessions": axis(5),
        "open": np.full(5, 10.0),
        "close": np.full(5, 10.0),
        "forecasts": np.ones(5),
        "horizon": 1,
    }
    with pytest.raises(ValueError, match=message):
        backtest(**arguments | changed)


def test_a_sweep_refuses_what_is_no_cost() -> None:
    found = run([100, 101, 102], [0.1, 0.1, NAN])
    with pytest.raises(ValueError, match="cost"):
        found.cost_sweep([0.0, -1.0])
