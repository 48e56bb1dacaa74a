from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl
import pytest
from stock_mlops.simulation.plan import Plan
from stock_mlops.simulation.summary import Checked, accuracy, is_false, retrained, summarise

PLAN = Plan(first=date(2010, 1, 4), last=date(2010, 3, 31), tickers=("AAPL", "IBM"), cost_bps=0.0)
DAYS = PLAN.sessions()


@dataclass(frozen=True)
class Step:
    ticker: str
    event: str
    from_state: str | None = None
    checks: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Alert:
    detector: str
    raised: date
    subject: str = "US:AAPL"
    severity: str = "warning"
    extra: dict[str, str] = field(default_factory=dict)


def forecasts(
    ticker: str = "AAPL", made: float = 0.01, came: Sequence[float] | float = 0.01, *, inside: bool = True
) -> pl.DataFrame:
    """One forecast a day, of which the last is not settled."""
    settled = len(DAYS) - 1
    outcomes = list(came) if isinstance(came, Sequence) else [came] * settled
    return pl.DataFrame(
        {
            "ticker": ticker,
            "as_of": DAYS,
            "predicted_return": made,
            "model_version": "1",
            "actual_return": [*outcomes, None],
            "covered": [*[inside] * settled, None],
        },
        schema_overrides={"actual_return": pl.Float64, "covered": pl.Boolean},
    )


def prices(growth: float) -> pl.DataFrame:
    closes = [100.0 * (1 + growth) ** number for number in range(len(DAYS))]
    return pl.DataFrame({"session": DAYS, "open": closes, "close": closes})


def test_accuracy_is_of_what_is_settled() -> None:
    found = accuracy(forecasts(made=0.01, came=0.02))
    assert found.settled == len(DAYS) - 1
    assert found.rmse == pytest.approx(0.01)
    assert found.skill == pytest.approx(0.75)
    assert (found.hit_rate, found.coverage) == (1.0, 1.0)


def test_nothing_settled_tells_nothing() -> None:
    assert accuracy(forecasts().head(0)).skill is None


def test_retrainings_are_counted_by_what_happened_and_why() -> None:
    refused = [{"name": "not_worse", "passed": False}, {"name": "calibrated", "passed": True}]
    found = retrained(
        [Step("AAPL", "submitted"), Step("AAPL", "refused", checks=refused), Step("AAPL", "promoted", "judged"),
         Step("AAPL", "rolled_back"), Step("AAPL", "survived"), Step("AAPL", "failed")]
    )  # fmt: skip
    assert (found.trainings, found.rejections, found.promotions) == (1, 1, 1)
    assert (found.rollbacks, found.confirmations, found.failures) == (1, 1, 1)
    assert found.rejected_because == {"not_worse": 1}


def test_an_alert_was_false_when_the_model_did_as_well_as_validated() -> None:
    alert = Alert("drift", DAYS[10])
    validated = {("AAPL", "1"): 0.01}
    assert is_false(PLAN, alert, forecasts(made=0.0, came=0.01), validated) is True
    assert is_false(PLAN, alert, forecasts(made=0.0, came=0.05), validated) is False
    assert is_false(PLAN, alert, forecasts(made=0.0, came=0.01, inside=False), validated) is False


def test_an_alert_is_not_judged_when_it_tells_a_fact_or_too_little_came_after_it() -> None:
    validated = {("AAPL", "1"): 0.01}
    assert is_false(PLAN, Alert("stale_data", DAYS[10]), forecasts(), validated) is None
    assert is_false(PLAN, Alert("drift", DAYS[-3]), forecasts(), validated) is None
    assert is_false(PLAN, Alert("drift", DAYS[10]), forecasts(), {}) is None


def test_a_summary_adds_up() -> None:
    both = pl.concat([forecasts("AAPL"), forecasts("IBM", made=-0.01)])
    found = summarise(
        PLAN,
        both,
        {"AAPL": prices(0.01), "IBM": prices(0.0)},
        [Step("IBM", "submitted")],
        [Alert("drift", DAYS[10]), Alert("stale_data", DAYS[10])],
        {("AAPL", "1"): 0.01},
        Checked(20, 19, ["2010-01-05: IBM"]),
    )
    assert (found["forecasts"], found["settled"], found["trainings"]) == (len(both), 2 * (len(DAYS) - 1), 1)
    assert found["hit_rate"] == 0.5
    assert (found["alerts"], found["false_alarms"]) == (2, 1)
    assert found["alerts_by_detector"]["drift"] == {"alerts": 1, "false_alarms": 1}
    assert found["verified"] == {"days": 20, "equal": 19, "differences": ["2010-01-05: IBM"]}
    apple, ibm = found["by_ticker"]
    # Bought at the second session's open, worth the last close; who forecasts a fall stays out.
    assert apple["strategy_return"] == pytest.approx(1.01 ** (len(DAYS) - 2) - 1)
    assert (ibm["strategy_return"], ibm["trainings"]) == (0.0, 1)
    assert found["money"]["strategy_return"] == pytest.approx(apple["strategy_return"] / 2)
    assert [month["month"] for month in found["series"]] == ["2010-01", "2010-02", "2010-03"]
    assert found["series"][-1]["strategy"] == pytest.approx(1 + found["money"]["strategy_return"])


def test_costs_are_paid() -> None:
    dear = PLAN.model_copy(update={"cost_bps": 100.0})
    kwargs = ({"AAPL": prices(0.01), "IBM": prices(0.0)}, [], [], {}, None)
    free, paid = (summarise(plan, forecasts(), *kwargs)["money"]["strategy_return"] for plan in (PLAN, dear))
    assert paid < free
    assert math.isclose((1 + paid) / (1 + free), 0.99, rel_tol=1e-9)
