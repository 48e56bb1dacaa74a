from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client
from stock_mlops.errors import InvalidRequestError
from stock_mlops.stores.predictions import COLUMNS, Cursor, PredictionFilter, Predictions

MADE = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
AS_OF, TARGET = date(2005, 2, 25), date(2005, 2, 28)


def row(number: int = 1, **values: Any) -> tuple[Any, ...]:
    known: dict[str, Any] = {
        "prediction_id": UUID(int=number),
        "exchange": "US",
        "ticker": "AAPL",
        "made_at": MADE,
        "as_of": AS_OF,
        "target_session": TARGET,
        "horizon": 1,
        "last_close": 88.0,
        "predicted_return": math.log(1.1),
        "predicted_close": 96.8,
        "lower": None,
        "upper": None,
        "level": None,
        "levels": [],
        "lowers": [],
        "uppers": [],
        "adapted_through": None,
        "probability_up": None,
        "model_name": "stock-US-AAPL",
        "model_version": "3",
        "model_type": "ridge",
        "run_id": "run",
        "fallback": False,
        "feature_version": "1",
        "data_version": "1",
        "stale": False,
        "out_of_range": [],
        "origin": "api",
        "job_id": None,
    } | values
    return tuple(known[name] for name in COLUMNS)


class ClickHouse:
    """Answers the two queries of a page with fixed rows. What SQL does with them, the integration tests show."""

    def __init__(self, predictions: Sequence[tuple[Any, ...]], closes: Sequence[tuple[Any, ...]] = ()) -> None:
        self._answers = {"predictions": predictions, "prices": closes}

    def query(self, sql: str, parameters: dict[str, Any], tz_mode: str = "naive_utc") -> SimpleNamespace:
        assert " FROM prices" in sql or tz_mode == "aware"  # else made_at would come without its time zone
        table = "prices" if " FROM prices" in sql else "predictions"
        return SimpleNamespace(result_rows=list(self._answers[table]))


def predictions(store: ClickHouse) -> Predictions:
    return Predictions(lambda: cast(Client, store))


def test_a_split_between_forecast_and_target_is_no_error() -> None:
    # Traded: 88 before a 2:1 split, 44.86 after it. On one basis the price rose by 1.95 %.
    closes = [("US", "AAPL", AS_OF, 44.0), ("US", "AAPL", TARGET, 44.86)]
    (item,) = predictions(ClickHouse([row()], closes)).page(PredictionFilter(), 10).items
    assert item.actual_close == pytest.approx(89.72)
    assert item.error_pct == pytest.approx(96.8 / 89.72 - 1)


def test_the_actual_close_is_unknown_until_its_session_is_loaded() -> None:
    (item,) = predictions(ClickHouse([row()], [("US", "AAPL", AS_OF, 44.0)])).page(PredictionFilter(), 10).items
    assert item.actual_close is None
    assert item.error_pct is None


def test_a_full_page_gives_the_cursor_of_its_last_item() -> None:
    page = predictions(ClickHouse([row(3), row(2), row(1)])).page(PredictionFilter(), 2)
    assert [item.event.prediction_id for item in page.items] == [UUID(int=3), UUID(int=2)]
    assert page.next_cursor == Cursor(MADE, UUID(int=2))


def test_the_last_page_gives_none() -> None:
    assert predictions(ClickHouse([row(2), row(1)])).page(PredictionFilter(), 2).next_cursor is None


def test_a_cursor_survives_its_encoding_to_the_microsecond() -> None:
    cursor = Cursor(MADE, UUID(int=5))
    assert Cursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize("text", ["", "x", "%%%", "AAAA", "é", "MjAyNi0xMS0yMSB4", "MjAyNi0xMS0yMVQxMjowMDowMCAwMDA="])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="next_cursor"):
        Cursor.decode(text)
