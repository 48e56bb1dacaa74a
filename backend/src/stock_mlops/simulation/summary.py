"""What a simulation's days add up to: accuracy, money, retrainings, alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Protocol

import numpy as np
import polars as pl

from stock_mlops.forecasting.backtest import BacktestResult, BacktestSettings, backtest
from stock_mlops.forecasting.backtest.performance import measure
from stock_mlops.forecasting.estimators.base import Floats
from stock_mlops.forecasting.intervals import LEVEL
from stock_mlops.retraining.cycle import Event
from stock_mlops.simulation.plan import HORIZON, Plan

# Sessions after an alert in which what it warned of has to show, and fewest outcomes among them to say that it did not.
_SHOWS_WITHIN, _FEWEST = 20, 10
_JUDGED = frozenset({"drift", "error_drift", "accuracy"})
"""Detectors that warn of a model's forecasts. The others tell of prices that are late, wrong or old: facts."""


class Decided(Protocol):
    """``stores.simulations.Decision``."""

    @property
    def ticker(self) -> str: ...

    @property
    def event(self) -> str: ...

    @property
    def from_state(self) -> str | None: ...

    @property
    def checks(self) -> Sequence[Mapping[str, Any]]: ...


class Alerted(Protocol):
    """``stores.simulations.SimulatedAlert``."""

    @property
    def detector(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def raised(self) -> date: ...


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of settled forecasts; None where the sample does not define a number."""

    settled: int
    rmse: float | None = None
    skill: float | None = None
    """``1 - MSE / MSE of the random walk``."""
    hit_rate: float | None = None
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class Money:
    strategy_return: float = 0.0
    buy_and_hold_return: float = 0.0
    sharpe: float | None = None
    max_drawdown: float = 0.0
    turnover: float = 0.0
    cost_bps: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrained:
    trainings: int
    promotions: int
    rejections: int
    confirmations: int
    rollbacks: int
    failures: int
    rejected_because: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Traded:
    """Equity of a ticker's strategy and of holding it, (m,), from 1; by session."""

    sessions: Sequence[date]
    strategy: Floats
    holding: Floats
    turnover: float = 0.0


@dataclass(frozen=True, slots=True)
class Checked:
    """Sampled days that were computed again from data cut there."""

    days: int
    equal: int
    differences: Sequence[str] = field(default=())


def summarise(
    plan: Plan,
    forecasts: pl.DataFrame,
    prices: Mapping[str, pl.DataFrame],
    decisions: Sequence[Decided],
    alerts: Sequence[Alerted],
    validated: Mapping[tuple[str, str], float],
    checked: Checked | None,
) -> dict[str, Any]:
    """Everything that a report tells, in plain values.

    Args:
        forecasts: ticker, as_of, predicted_return, model_version; actual_return and covered, null where not settled.
        prices: of each ticker by session: session, open, close (adjusted).
        validated: RMSE one session ahead, out of fold, by ticker and version.
        checked: None when nothing was computed again.
    """
    traded = {ticker: _traded(plan, forecasts.filter(ticker=ticker), prices[ticker]) for ticker in plan.tickers}
    money, equity = _portfolio(plan, list(traded.values()))
    false = {id(alert): is_false(plan, alert, forecasts, validated) for alert in alerts}
    by_detector = {
        detector: {
            "alerts": sum(alert.detector == detector for alert in alerts),
            "false_alarms": sum(alert.detector == detector and false[id(alert)] is True for alert in alerts),
        }
        for detector in sorted({alert.detector for alert in alerts})
    }
    return {
        "forecasts": len(forecasts),
        **asdict(accuracy(forecasts)),
        **asdict(retrained(decisions)),
        "level": LEVEL,
        "money": asdict(money),
        "alerts": len(alerts),
        "false_alarms": sum(told is True for told in false.values()),
        "alerts_by_detector": by_detector,
        "by_ticker": [_ticker(ticker, forecasts, decisions, traded[ticker]) for ticker in plan.tickers],
        "series": _months(forecasts, equity),
        "verified": None if checked is None else asdict(checked),
    }


def accuracy(forecasts: pl.DataFrame) -> Accuracy:
    known = forecasts.filter(pl.col("actual_return").is_not_null())
    if known.is_empty():
        return Accuracy(0)
    y, y_hat = known["actual_return"].to_numpy(), known["predicted_return"].to_numpy()
    walk = float(np.sum(y**2))
    told = (y != 0) & (y_hat != 0)
    covered = known["covered"].drop_nulls()
    return Accuracy(
        settled=len(known),
        rmse=float(np.sqrt(np.mean((y_hat - y) ** 2))),
        skill=1 - float(np.sum((y_hat - y) ** 2)) / walk if walk > 0 else None,
        hit_rate=float(np.mean((y > 0)[told] == (y_hat > 0)[told])) if told.any() else None,
        coverage=None if covered.is_empty() else float(covered.cast(pl.Float64).to_numpy().mean()),
    )


def retrained(decisions: Iterable[Decided]) -> Retrained:
    decided = list(decisions)
    events = Counter(decision.event for decision in decided)
    refused = [decision for decision in decided if decision.event == Event.REFUSED]
    because = Counter(str(check["name"]) for item in refused for check in item.checks if not check["passed"])
    return Retrained(
        trainings=events[Event.SUBMITTED],
        # A first model that serves against the gate comes from no state, and is none.
        promotions=sum(item.event == Event.PROMOTED and item.from_state is not None for item in decided),
        rejections=len(refused),
        confirmations=events[Event.SURVIVED],
        rollbacks=events[Event.ROLLED_BACK],
        failures=events[Event.FAILED],
        rejected_because=dict(because.most_common()),
    )


def is_false(
    plan: Plan, alert: Alerted, forecasts: pl.DataFrame, validated: Mapping[tuple[str, str], float]
) -> bool | None:
    """Whether an alert warned of a model that then did as well as validated: over the forecasts of the sessions after
    it an RMSE below the policy's threshold times the validated one, and a coverage within the policy's distance. None:
    it warns of something else, or too little came after it."""
    if alert.detector not in _JUDGED:
        return None
    ticker = alert.subject.rpartition(":")[2]
    known = forecasts.filter(pl.col("actual_return").is_not_null(), ticker=ticker)
    before = known.filter(pl.col("as_of") <= alert.raised)
    after = known.filter(pl.col("as_of") > alert.raised).sort("as_of").head(_SHOWS_WITHIN)
    if len(after) < _FEWEST or before.is_empty():
        return None
    limit = validated.get((ticker, str(before.sort("as_of")["model_version"][-1])), 0.0)
    found = accuracy(after)
    if not limit or found.rmse is None:
        return None
    calm = found.rmse < plan.policy.error.threshold * limit
    covered = found.coverage is None or abs(found.coverage - LEVEL) < plan.policy.coverage.threshold
    return calm and covered


def _traded(plan: Plan, forecasts: pl.DataFrame, prices: pl.DataFrame) -> Traded | None:
    """What following a ticker's forecasts earned; None while there is nothing to trade on."""
    axis = plan.instruments[0].sessions.array(plan.first, plan.last)
    frame = (
        pl.DataFrame({"session": axis.astype("datetime64[D]")})
        .with_columns(pl.col("session").cast(pl.Date))
        .join(prices.select("session", "open", "close"), on="session", how="left")
        .join(forecasts.select(session="as_of", made="predicted_return"), on="session", how="left")
        .sort("session")
    )
    opens, closes, made = frame.select(pl.col("open", "close", "made").fill_null(float("nan"))).to_numpy().T
    if not np.isfinite(made[:-1]).any():
        return None
    found = backtest(axis, opens, closes, made, HORIZON, BacktestSettings(cost_bps=plan.cost_bps))
    return Traded(_days(found), found.equity, found.buy_and_hold_equity, float(found.simulation.turnover.mean()))


def _days(found: BacktestResult) -> list[date]:
    days: list[date] = found.sessions.astype("datetime64[D]").tolist()
    return days


def _portfolio(plan: Plan, traded: Sequence[Traded | None]) -> tuple[Money, pl.DataFrame]:
    """All tickers in equal parts at the beginning: in numbers, and session, strategy, holding."""
    parts = [
        pl.DataFrame({"session": item.sessions, "strategy": item.strategy, "holding": item.holding})
        for item in traded
        if item is not None
    ]
    if not parts:
        return Money(cost_bps=plan.cost_bps), pl.DataFrame(schema={"session": pl.Date, "strategy": pl.Float64})
    axis = pl.concat(part.select("session") for part in parts).unique().sort("session")
    filled = [
        axis.join(part, on="session", how="left").with_columns(
            pl.col("strategy", "holding").forward_fill().fill_null(1.0)
        )
        for part in parts
    ]
    equity = pl.concat(filled).group_by("session").agg(pl.col("strategy", "holding").mean()).sort("session")
    strategy = equity["strategy"].to_numpy()
    found = measure(strategy[1:] / np.maximum(strategy[:-1], 1e-12) - 1)
    turnover = [item.turnover for item in traded if item is not None]
    return (
        Money(
            strategy_return=float(strategy[-1] - 1),
            buy_and_hold_return=float(equity["holding"][-1] - 1),
            sharpe=found.sharpe,
            max_drawdown=found.max_drawdown,
            turnover=sum(turnover) / len(turnover),
            cost_bps=plan.cost_bps,
        ),
        equity,
    )


def _ticker(
    ticker: str, forecasts: pl.DataFrame, decisions: Sequence[Decided], traded: Traded | None
) -> dict[str, Any]:
    mine = forecasts.filter(ticker=ticker)
    counts = retrained(decision for decision in decisions if decision.ticker == ticker)
    return {
        "ticker": ticker,
        "forecasts": len(mine),
        **asdict(accuracy(mine)),
        "trainings": counts.trainings,
        "promotions": counts.promotions,
        "rejections": counts.rejections,
        "rollbacks": counts.rollbacks,
        "strategy_return": None if traded is None else float(traded.strategy[-1] - 1),
        "buy_and_hold_return": None if traded is None else float(traded.holding[-1] - 1),
    }


def _months(forecasts: pl.DataFrame, equity: pl.DataFrame) -> list[dict[str, Any]]:
    months = []
    worth = (1.0, 1.0)
    named = forecasts.with_columns(month=pl.col("as_of").dt.strftime("%Y-%m"))
    for month in named["month"].unique().sort():
        found = accuracy(named.filter(month=month))
        ends = equity.filter(pl.col("session").dt.strftime("%Y-%m") <= month)
        if not ends.is_empty():
            worth = (float(ends["strategy"][-1]), float(ends["holding"][-1]))
        months.append(
            {
                "month": month,
                "settled": found.settled,
                "skill": found.skill,
                "coverage": found.coverage,
                "strategy": worth[0],
                "buy_and_hold": worth[1],
            }
        )
    return months
