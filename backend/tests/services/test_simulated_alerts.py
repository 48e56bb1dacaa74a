from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from stock_kit.events import Severity
from stock_mlops.services.alerting import Condition
from stock_mlops.services.simulated_alerts import SimulatedReporter
from stock_mlops.stores.simulation_twins import MemorySimulations

SIMULATION = UUID(int=1)
DAYS = [date(2010, 1, day) for day in (4, 5, 6, 7)]


def condition(ticker: str = "AAPL") -> Condition:
    return Condition(f"drift:US:{ticker}", f"US:{ticker}", Severity.WARNING, f"{ticker} drifts", "6 features")


def test_an_alert_lasts_as_long_as_its_condition_and_a_new_one_is_another() -> None:
    table = MemorySimulations()
    reporter = SimulatedReporter(table, SIMULATION)
    for day, conditions in zip(DAYS, ([condition()], [condition()], [], [condition()]), strict=True):
        reporter.session = day
        reporter.reconcile("drift", ["US:AAPL"], conditions)
    told = [(alert.raised, alert.resolved) for alert in table.alerts(SIMULATION)]
    assert told == [(DAYS[0], DAYS[2]), (DAYS[3], None)]
    assert reporter.raised == 2


def test_only_what_was_looked_at_by_the_same_detector_is_over() -> None:
    table = MemorySimulations()
    reporter = SimulatedReporter(table, SIMULATION)
    reporter.session = DAYS[0]
    reporter.reconcile("drift", ["US:AAPL", "US:IBM"], [condition("AAPL"), condition("IBM")])
    reporter.session = DAYS[1]
    reporter.reconcile("accuracy", ["US:AAPL"], [])
    reporter.reconcile("drift", ["US:IBM"], [])
    assert [alert.subject for alert in table.alerts(SIMULATION) if alert.resolved] == ["US:IBM"]


def test_whoever_goes_on_knows_what_is_open_and_raises_nothing_twice() -> None:
    table = MemorySimulations()
    for _ in range(2):
        reporter = SimulatedReporter(table, SIMULATION)
        reporter.session = DAYS[0]
        reporter.reconcile("drift", ["US:AAPL"], [condition()])
    assert len(table.alerts(SIMULATION)) == 1


def test_a_condition_of_what_was_not_looked_at_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="US:IBM"):
        SimulatedReporter(MemorySimulations(), SIMULATION).reconcile("drift", ["US:AAPL"], [condition("IBM")])
