from __future__ import annotations

from typing import Any

import pytest
import typer
from rich.console import Console
from stock_mlops.cli.train import metrics_table, parse_params, verdict


def row(horizon: int, **values: Any) -> dict[str, Any]:
    return {
        "horizon": horizon,
        "skill": -0.01,
        "dm_p_value": 0.8,
        "beats_random_walk": False,
        "direction_accuracy": 0.51,
        "auc": 0.5,
        "bias": 0.0001,
        "rmse": 0.02,
        "half_width": 0.03,
        "coverage": 0.9,
        **values,
    }


def metrics(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"level": 0.9, "horizons": list(rows)}


def test_parameters_are_read_as_what_they_look_like() -> None:
    assert parse_params(["alpha=10.5", "max_depth=null", "trees=3", "deep=true", "name=a=b"]) == {
        "alpha": 10.5,
        "max_depth": None,
        "trees": 3,
        "deep": True,
        "name": "a=b",
    }


@pytest.mark.parametrize("pair", ["alpha", "=1"])
def test_a_parameter_without_name_or_value_is_refused(pair: str) -> None:
    with pytest.raises(typer.BadParameter, match="name=value"):
        parse_params([pair])


def test_a_model_no_better_than_the_random_walk_is_called_that() -> None:
    assert "No better than the random walk at any horizon" in verdict(metrics(row(1), row(2)))[0]


def test_the_horizons_that_beat_the_random_walk_are_named() -> None:
    lines = verdict(metrics(row(1, beats_random_walk=True, skill=0.02), row(2), row(3, beats_random_walk=True)))
    assert len(lines) == 1
    assert "at 1, 3 sessions ahead" in lines[0]


def test_too_much_skill_raises_the_question_of_a_leak() -> None:
    assert "look for a leak" in verdict(metrics(row(1, skill=0.3, beats_random_walk=True)))[-1]


def test_the_table_fits_eighty_columns_and_shows_what_is_undefined_as_a_dash() -> None:
    console = Console(width=80, record=True, file=None)
    with console.capture() as captured:
        console.print(
            metrics_table("stock-US-AAPL version 3", metrics(row(60, auc=None, dm_p_value=None), row(1, skill=-0.1234)))
        )
    text = captured.get()
    assert "…" not in text
    assert "-12.34%" in text
    assert " - " in text
