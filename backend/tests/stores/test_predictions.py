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
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.predictions import COLUMNS, PredictionFilter, Predictions

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
    """Answers the queries of a page with fixed rows, as many as are asked for, and settlements. What SQL does with
    them, the integration tests show."""

    def __init__(self, predictions: Sequence[tuple[Any, ...]], settlements: Sequence[tuple[Any, ...]] = ()) -> None:
        self._predictions = list(predictions)
        self._settlements = list(settlements)
        self.tables: list[str] = []

    def query(self, sql: str, parameters: dict[str, Any], tz_mode: str) -> SimpleNamespace:
        assert tz_mode == "aware"  # else made_at would come without its time zone
        self.tables.append(sql.split(" FROM ")[1].split()[0])
        if self.tables[-1].startswith("settlements"):
            return SimpleNamespace(result_rows=self._settlements)
        count = parameters["limit"]
        rows, self._predictions = self._predictions[:count], self._predictions[count:]
        return SimpleNamespace(result_rows=rows)


def predictions(store: ClickHouse) -> Predictions:
    return Predictions(lambda: cast(Client, store))


def test_a_prediction_is_shown_with_its_settlement_and_one_without_is_open() -> None:
    store = ClickHouse([row(2), row(1)], [(UUID(int=1), 89.72, 0.079)])
    open_, settled = predictions(store).page(PredictionFilter(), 10).items
    assert (open_.actual_close, open_.error_pct) == (None, None)
    assert (settled.actual_close, settled.error_pct) == (89.72, 0.079)


@pytest.mark.parametrize(
    ("wanted", "tables"),
    [
        (PredictionFilter(), ["predictions_by_time", "settlements_by_time"]),
        (PredictionFilter(exchange="US"), ["predictions_by_time", "settlements_by_time"]),
        (PredictionFilter(ticker="AAPL"), ["predictions", "settlements"]),
    ],
)
def test_a_page_reads_the_tables_in_the_order_that_it_needs(wanted: PredictionFilter, tables: list[str]) -> None:
    store = ClickHouse([row()])
    predictions(store).page(wanted, 10)
    assert store.tables == tables


def test_what_is_stored_twice_is_shown_once_and_the_page_is_full_all_the_same() -> None:
    store = ClickHouse([row(3), row(3), row(2), row(2), row(1)])
    page = predictions(store).page(PredictionFilter(), 2)
    assert [item.event.prediction_id.int for item in page.items] == [3, 2]
    assert page.next_cursor == Cursor(MADE, UUID(int=2))


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
