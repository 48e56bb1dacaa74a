from __future__ import annotations

from typing import Any

from stock_mlops.cli.models import reasons_in_short, registered_name
from stock_mlops.cli.verdict import verdict_lines

GOOD = {"name": "calibrated", "passed": True, "expected": "85 to 95 %", "got": "90 %"}
BAD = {"name": "not_worse_than_champion", "passed": False, "expected": "no larger errors", "got": "RMSE 2 against 1"}


def result(alias: str | None, *, passed: bool, champion: int | None = 3) -> dict[str, Any]:
    verdict = {"passed": passed, "champion": champion, "checks": [GOOD, BAD] if not passed else [GOOD]}
    return {"registered_name": "stock-US-AAPL", "version": 4, "alias": alias, "verdict": verdict}


def test_a_champion_is_told_with_what_it_replaces() -> None:
    [line] = verdict_lines(result("champion", passed=True))
    assert "stock-US-AAPL version 4 serves as the champion, in place of 3." in line
    [line] = verdict_lines(result("champion", passed=True, champion=None))
    assert "the first of its name" in line


def test_a_refused_version_is_told_with_the_reasons_and_nothing_else() -> None:
    head, *reasons = verdict_lines(result("challenger", passed=False))
    assert "does not serve" in head
    assert reasons == ["  not_worse_than_champion: expected no larger errors, got RMSE 2 against 1"]
    assert reasons_in_short(result("challenger", passed=False)["verdict"]) == "not_worse_than_champion"


def test_a_version_that_was_overtaken_is_told_so() -> None:
    _, reason = verdict_lines(result("challenger", passed=True))
    assert "became the champion while it was judged" in reason


def test_results_of_before_the_gate_say_nothing() -> None:
    assert verdict_lines({"registered_name": "stock-US-AAPL", "version": 1}) == []


def test_tickers_and_registered_names_are_understood() -> None:
    assert registered_name("aapl", "US") == "stock-US-AAPL"
    assert registered_name("TW:2330", "US") == "stock-TW-2330"
    assert registered_name("stock-US-panel-tech", "US") == "stock-US-panel-tech"
