from __future__ import annotations

from datetime import date
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from stock_mlops.services.simulation_report import SimulationReport
from stock_mlops.simulation.plan import Plan
from stock_mlops.stores.simulations import Decision, SimulatedAlert

PLAN = Plan(first=date(2010, 1, 4), last=date(2010, 2, 26), tickers=("AAPL",))
SUMMARY: dict[str, Any] = {
    "forecasts": 1504,
    "settled": 1502,
    "rmse": 0.0171,
    "skill": -0.0123,
    "hit_rate": None,
    "coverage": 0.893,
    "level": 0.9,
    "trainings": 26,
    "promotions": 3,
    "rejections": 20,
    "confirmations": 2,
    "rollbacks": 1,
    "failures": 0,
    "rejected_because": {"not_worse": 20},
    "money": {
        "strategy_return": 0.105,
        "buy_and_hold_return": 0.2,
        "sharpe": 0.44,
        "max_drawdown": 0.1,
        "cost_bps": 5.0,
    },
    "alerts": 2,
    "false_alarms": 1,
    "alerts_by_detector": {"drift": {"alerts": 2, "false_alarms": 1}},
    "by_ticker": [
        {"ticker": "AAPL", "settled": 1502, "skill": -0.0123, "hit_rate": None, "coverage": 0.893, "trainings": 26,
         "promotions": 3, "rejections": 20, "rollbacks": 1, "strategy_return": 0.105, "buy_and_hold_return": 0.2}
    ],
    "series": [
        {"month": "2010-01", "strategy": 1.02, "buy_and_hold": 1.1, "coverage": 0.9},
        {"month": "2010-02", "strategy": 1.105, "buy_and_hold": 1.2, "coverage": None},
    ],
    "verified": {"days": 20, "equal": 19, "differences": ["2010-01-05: US:AAPL: the forecast differs by 0.1"]},
}  # fmt: skip
STEP = Decision(
    UUID(int=1),
    2,
    date(2010, 2, 4),
    "AAPL",
    "refused",
    "training",
    "rejected",
    2,
    "not_worse: expected <x>, got a|b",
    [],
)
ALERT = SimulatedAlert("f", date(2010, 2, 1), None, "drift", "US:AAPL", "warning", "AAPL drifts <much>", "")


@pytest.fixture
def report() -> SimulationReport:
    return SimulationReport(PLAN, "a <month>", SUMMARY, [STEP], [ALERT])


class Reader(HTMLParser):
    """What a browser would show, and what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "polyline":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_both_tell_the_same_numbers(report: SimulationReport) -> None:
    reader = Reader()
    reader.feed(report.html())
    shown = " ".join(reader.texts)
    for told in ("1,504", "-1.23%", "89.3%", "10.5%", "20 sampled days", "19 gave", "not_worse", "0.44", "2010-02-04"):
        assert told in report.markdown()
        assert told in shown


def test_one_ticker_is_told_as_one(report: SimulationReport) -> None:
    assert "1 ticker of US, 38 sessions from" in report.markdown()


def test_a_page_is_whole_and_loads_nothing(report: SimulationReport) -> None:
    reader = Reader()
    reader.feed(report.html())
    assert (reader.open, reader.loads) == ([], [])


def test_what_people_and_checks_write_is_text_and_no_markup(report: SimulationReport) -> None:
    assert "<month>" not in report.html()
    assert "&lt;month&gt;" in report.html()
    assert "a\\|b" in report.markdown()


def test_lines_are_drawn_where_there_are_values(report: SimulationReport) -> None:
    assert report.html().count("<polyline") == 4


def test_what_is_unknown_is_told_as_that(report: SimulationReport) -> None:
    assert "| direction right | - |" in report.markdown()


def test_an_empty_simulation_has_a_report(report: SimulationReport) -> None:
    nothing = {
        **SUMMARY,
        "series": [],
        "by_ticker": [],
        "alerts_by_detector": {},
        "rejected_because": {},
        "verified": None,
    }
    told = SimulationReport(PLAN, "", nothing, [], []).markdown()
    assert "Nobody asked" in told
    assert "No alert." in told
