from __future__ import annotations

from datetime import date
from typing import Any

from rich.console import Console
from stock_mlops.cli.accuracy import accuracy_table
from stock_mlops.stores.settlements import RollingAccuracy


def row(**values: Any) -> RollingAccuracy:
    known: dict[str, Any] = {
        "exchange": "US",
        "ticker": "AAPL",
        "model_name": "stock-US-AAPL",
        "model_version": "12",
        "horizon": 1,
        "window": 20,
        "n": 20,
        "first_session": date(2012, 6, 1),
        "last_session": date(2012, 6, 29),
        "rmse": 0.0213,
        "mae": 0.015,
        "bias": -0.0012,
        "skill": -0.012,
        "hit_rate": 0.55,
        "level": 0.9,
        "coverage": 0.88,
        "width": 0.061,
    }
    return RollingAccuracy(**known | values)


def printed(*rows: RollingAccuracy) -> list[str]:
    console = Console(width=80, record=True)
    console.print(accuracy_table(rows))
    return [line.strip() for line in console.export_text().splitlines() if "US:" in line]


def test_a_row_fits_a_terminal_of_80_columns() -> None:
    (line,) = printed(row())
    assert line.split() == [
        "US:AAPL",
        "AAPL",
        "12",
        "1",
        "20",
        "-1.20%",
        "2.13%",
        "-0.12%",
        "55%",
        "88%",
        "of",
        "90%",
        "6.1%",
    ]


def test_what_is_undefined_is_a_dash() -> None:
    (line,) = printed(
        row(
            model_name="random_walk",
            model_version=None,
            skill=None,
            hit_rate=None,
            level=None,
            coverage=None,
            width=None,
        )
    )
    assert line.split() == ["US:AAPL", "random_walk", "1", "20", "-", "2.13%", "-0.12%", "-", "-", "-"]


def test_a_window_that_found_no_more_sessions_is_not_repeated() -> None:
    lines = printed(row(), row(window=60, n=31), row(window=250, n=31), row(horizon=2, n=31))
    assert [line.split()[3:5] for line in lines] == [["1", "20"], ["1", "31"], ["2", "31"]]
