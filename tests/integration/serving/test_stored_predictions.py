"""The history of predictions, over a real ClickHouse."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from clickhouse_connect.driver.client import Client
from stock_kit.clock import wall_now
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.predictions import COLUMNS, Page, PredictionFilter, Predictions
from stock_mlops.stores.settlements import Settlements

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def client(settings: Settings) -> Client:
    client = open_client(settings.clickhouse)
    for table in ("predictions", "predictions_by_time", "settlements", "settlements_by_time", "prices"):
        client.command(f"TRUNCATE TABLE {table}")
    return client


@pytest.fixture
def predictions(client: Client) -> Predictions:
    return Predictions(lambda: client)


def store(client: Client, number: int, **values: Any) -> UUID:
    known: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "prediction_id": UUID(int=number),
        "exchange": "US",
        "ticker": "AAPL",
        "made_at": MADE,
        "as_of": date(2005, 2, 25),
        "target_session": date(2005, 2, 28),
        "horizon": 1,
        "last_close": 88.0,
        "predicted_return": 0.0,
        "predicted_close": 88.0,
        "levels": [],
        "lowers": [],
        "uppers": [],
        "model_name": "stock-US-AAPL",
        "model_type": "ridge",
        "fallback": False,
        "stale": False,
        "out_of_range": [],
        "feature_version": "f",
        "data_version": "d",
        "origin": "api",
    }
    client.insert("predictions", [[(known | values)[name] for name in COLUMNS]], column_names=list(COLUMNS))
    return UUID(int=number)


def price(client: Client, session: date, close: float, version: int = 1) -> None:
    names = ("exchange", "ticker", "session", "open", "high", "low", "close", "volume", "raw_close", "factor")
    row = ("US", "AAPL", session, close, close, close, close, 1.0, close * 2, 0.5)
    columns = [*names, "dividend", "split", "source", "version"]
    client.insert("prices", [[*row, 0.0, 1.0, "file", version]], column_names=columns)


def all_pages(predictions: Predictions, limit: int) -> list[UUID]:
    found: list[UUID] = []
    page: Page = predictions.page(PredictionFilter(), limit)
    found += [item.event.prediction_id for item in page.items]
    while page.next_cursor is not None:
        page = predictions.page(PredictionFilter(), limit, Cursor.decode(page.next_cursor.encode()))
        found += [item.event.prediction_id for item in page.items]
    return found


def test_pages_hold_every_prediction_once_newest_first_also_the_ones_stored_twice(
    predictions: Predictions, client: Client
) -> None:
    for number in range(1, 24):
        # Threes share a moment, so that pages end inside one.
        store(client, number, made_at=MADE + timedelta(microseconds=number // 3))
    for number in (1, 5, 9, 20):
        store(client, number, made_at=MADE + timedelta(microseconds=number // 3))
    found = all_pages(predictions, limit=4)
    assert len(found) == 23
    assert set(found) == {UUID(int=number) for number in range(1, 24)}
    assert found == all_pages(predictions, limit=500)
    assert [item.int // 3 for item in found] == sorted((item.int // 3 for item in found), reverse=True)


def test_every_filter_narrows(predictions: Predictions, client: Client) -> None:
    plain = store(client, 1, model_version="2")
    other = store(client, 2, ticker="IBM", model_name="random_walk", origin="replay", target_session=date(2005, 3, 1))

    def ids(**wanted: Any) -> set[UUID]:
        return {item.event.prediction_id for item in predictions.page(PredictionFilter(**wanted), 10).items}

    assert ids() == {plain, other}
    for wanted in (
        {"ticker": "AAPL"},
        {"model": "stock-US-AAPL"},
        {"origin": "api"},
        {"end": date(2005, 2, 28)},
        {"version": "2"},
    ):
        assert ids(**wanted) == {plain}
    assert ids(start=date(2005, 3, 1), end=date(2005, 3, 1), exchange="US") == {other}
    assert ids(exchange="TW") == set()
    assert ids(ticker="' OR 1=1 --") == set()


def settle_all(client: Client) -> None:
    """At a moment of its own, as each pass has to be."""
    Settlements(lambda: client).settle([Instrument("US", "AAPL"), Instrument("US", "IBM")], wall_now())


def test_the_outcome_compares_adjusted_with_adjusted_closes_of_the_newest_version(
    predictions: Predictions, client: Client
) -> None:
    store(client, 1)
    price(client, date(2005, 2, 25), 44.0)
    settle_all(client)
    (item,) = predictions.page(PredictionFilter(), 10).items
    assert (item.actual_close, item.error_pct) == (None, None)
    price(client, date(2005, 2, 28), 99.0, version=1)
    settle_all(client)
    price(client, date(2005, 2, 28), 44.86, version=2)
    settle_all(client)
    for wanted in (PredictionFilter(), PredictionFilter("US", "AAPL"), PredictionFilter(settled=True)):
        (item,) = predictions.page(wanted, 10).items
        assert item.actual_close == pytest.approx(88.0 * 44.86 / 44.0)
        assert item.error_pct == pytest.approx(88.0 / item.actual_close - 1)


@pytest.mark.parametrize("ticker", [None, "AAPL"])
def test_pages_of_settled_predictions_leave_the_open_ones_out(
    predictions: Predictions, client: Client, ticker: str | None
) -> None:
    for day, close in ((date(2005, 2, 25), 44.0), (date(2005, 2, 28), 45.0)):
        price(client, day, close)
    for number in range(1, 13):
        target = date(2005, 2, 28) if number % 2 else date(2005, 3, 1)
        store(client, number, made_at=MADE + timedelta(microseconds=number // 3), target_session=target)
    store(client, 1, made_at=MADE)
    settle_all(client)
    wanted = PredictionFilter(ticker=ticker, settled=True)
    first = predictions.page(wanted, 4)
    assert first.next_cursor is not None
    second = predictions.page(wanted, 4, first.next_cursor)
    found = [item.event.prediction_id.int for item in (*first.items, *second.items)]
    assert found == [11, 9, 7, 5, 3, 1]
    assert second.next_cursor is None
    assert all(item.actual_close is not None for item in (*first.items, *second.items))


def test_both_orders_give_the_same_page(predictions: Predictions, client: Client) -> None:
    for number in range(1, 30):
        store(client, number, made_at=MADE + timedelta(microseconds=number // 4))
    by_time, by_ticker = (predictions.page(PredictionFilter(ticker=ticker), 500) for ticker in (None, "AAPL"))
    assert by_time == by_ticker
    assert len(by_time.items) == 29


def test_ids_that_are_stored_are_told_from_those_that_are_not(predictions: Predictions, client: Client) -> None:
    stored = {str(item) for item in (store(client, 1), *(store(client, 2, ticker="IBM") for _ in range(2)))}
    asked = [*stored, str(UUID(int=3))]
    assert predictions.existing(asked, ["US:AAPL", "US:IBM"]) == stored
    assert predictions.existing([], []) == set()


def test_of_those_stored_only_the_ones_made_since_are_told(predictions: Predictions, client: Client) -> None:
    older, newer = (str(store(client, n, made_at=MADE + timedelta(seconds=n))) for n in range(2))
    assert predictions.existing([older, newer], ["US:AAPL"], MADE) == {older, newer}
    assert predictions.existing([older, newer], ["US:AAPL"], MADE + timedelta(seconds=1)) == {newer}
