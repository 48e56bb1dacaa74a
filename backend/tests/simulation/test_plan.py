from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.simulation.plan import Plan, monthly

VALUES: dict[str, Any] = {"first": date(2010, 1, 4), "last": date(2010, 1, 22), "tickers": ["AAPL", "IBM", "AAPL"]}


def test_a_ticker_counts_once_and_holidays_are_no_sessions() -> None:
    plan = Plan(**VALUES)
    assert plan.tickers == ("AAPL", "IBM")
    assert len(plan.sessions()) == 14  # Martin Luther King Day is none


@pytest.mark.parametrize(
    "wrong",
    [{"first": date(2011, 1, 3)}, {"tickers": []}, {"exchange": "MOON"}, {"source": "dreams"}, {"cost_bps": -1}],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Plan(**VALUES | wrong)


def test_its_models_forecast_the_next_session_alone() -> None:
    plan = Plan(**VALUES)
    spec = parse_spec(plan.definition(plan.instruments[1]))
    assert (spec.ticker, spec.horizon, spec.seed, spec.end) == ("IBM", 1, 7, None)


@pytest.mark.parametrize("sessions", [15, 21, 63, 250])
def test_shadow_and_probation_end_before_the_next_time(sessions: int) -> None:
    policy = monthly(sessions)
    assert policy.new_sessions.mode == "automatic"
    assert policy.shadow_sessions + policy.probation_sessions < policy.cooldown_sessions == sessions


def test_it_survives_being_stored() -> None:
    plan = Plan(**VALUES, policy=monthly(42))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
