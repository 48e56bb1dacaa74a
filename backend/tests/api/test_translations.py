"""What the API says in English is said by the page in Chinese, by these codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from stock_mlops.errors import StockMlopsError
from stock_mlops.features.registry import registry
from stock_mlops.monitoring.quality import Check
from stock_mlops.retraining.cycle import State
from stock_mlops.services.simulation_days import SimulationError
from stock_mlops.services.simulation_job import SimulationFailedError

_LOCALE = Path(__file__).parents[3] / "frontend/src/i18n/locales/zh-TW.api.json"
TEXTS: Mapping[str, Any] = orjson.loads(_LOCALE.read_bytes())


def codes(error: type[StockMlopsError]) -> set[str]:
    return {error.code}.union(*(codes(child) for child in error.__subclasses__()))


def test_every_feature_is_described() -> None:
    assert {re.sub(r"\d+", "{}", name) for name in registry()} <= TEXTS["feature"].keys()


def titles(error: type[StockMlopsError]) -> set[tuple[str, str]]:
    return {(error.code, error.title)}.union(*(titles(child) for child in error.__subclasses__()))


@pytest.mark.parametrize("error", [SimulationError, SimulationFailedError])
def test_a_code_says_one_thing(error: type[StockMlopsError]) -> None:
    assert {title for code, title in titles(StockMlopsError) if code == error.code} == {error.title}


def test_every_kind_of_problem_has_a_title() -> None:
    assert codes(StockMlopsError) <= TEXTS["problem"].keys()


def test_every_finding_about_data_and_every_state_of_a_retraining_has_a_title() -> None:
    assert set(Check) == TEXTS["alert"]["quality"].keys()
    assert set(State) == TEXTS["alert"]["retraining"].keys()
