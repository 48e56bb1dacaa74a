"""Prices, features and quality of a ticker; loading and deleting one."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import polars as pl
import pytest
from stock_mlops.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from .backstage import Backstage

pytestmark = pytest.mark.anyio

URL = "/api/datasets/us/aapl"
GOOD = b"date,close\n2024-01-02,10\n2024-01-03,11\n"
BAD = b"date,close\n2024-01-02,10\nsoon,11\n2024-01-04,much\n"


async def test_prices_come_as_json_with_their_basis(train: httpx.AsyncClient) -> None:
    body = (await train.get(f"{URL}/prices")).json()
    assert (body["exchange"], body["ticker"], body["adjusted"]) == ("US", "AAPL", True)
    assert body["items"] == [
        {"session": "2012-06-29", "open": 1, "high": 3, "low": 0.5, "close": 2, "volume": 9, "dividend": 0, "split": 1}
    ]


@pytest.mark.parametrize(
    ("form", "media_type", "read"),
    [
        ("csv", "text/csv; charset=utf-8", lambda body: pl.read_csv(io.BytesIO(body), try_parse_dates=True)),
        ("arrow", "application/vnd.apache.arrow.file", lambda body: pl.read_ipc(io.BytesIO(body))),
        ("parquet", "application/vnd.apache.parquet", lambda body: pl.read_parquet(io.BytesIO(body))),
    ],
)
async def test_prices_come_as_a_file_by_parameter_or_by_accept(
    train: httpx.AsyncClient, form: str, media_type: str, read: Any
) -> None:
    by_name = await train.get(f"{URL}/prices?format={form}&columns=session&columns=close")
    accept = {"Accept": f"text/html, {media_type.partition(';')[0]};q=0.9"}
    by_header = await train.get(f"{URL}/prices?columns=session&columns=close", headers=accept)
    for answer in (by_name, by_header):
        assert answer.headers["content-type"] == media_type
        assert f"US-AAPL-prices.{form}" in answer.headers["content-disposition"]
        frame = read(answer.content)
        assert frame.columns == ["session", "close"]
        assert frame["close"].to_list() == [2.0]
    assert by_name.headers["ETag"] == by_header.headers["ETag"]


async def test_features_come_by_column_with_gaps_as_null(train: httpx.AsyncClient) -> None:
    body = (await train.get(f"{URL}/features?names=rsi_14&names=gap")).json()
    assert body["sessions"] == ["2012-06-28", "2012-06-29"]
    assert body["features"] == {"rsi_14": [None, 0.5], "gap": [None, 0.5]}


@pytest.mark.parametrize(
    "path",
    [
        f"{URL}/prices?start=2020-01-02&end=2020-01-01",
        f"{URL}/prices?points=1",
        f"{URL}/prices?downsample=mean",
        f"{URL}/prices?format=xlsx",
        f"{URL}/prices?columns=close",
        f"{URL}/prices?columns=colour&format=csv",
        f"{URL}/prices?limit=20001",
        f"{URL}/prices?colour=red",
        f"{URL}/features?colour=red",
        f"{URL}/features?names=%00",
        "/api/datasets/MOON/AAPL/features",
        "/api/datasets/US/A%20B/quality",
    ],
)
async def test_a_wrong_question_is_a_422(train: httpx.AsyncClient, path: str) -> None:
    assert (await train.get(path)).status_code == 422


async def test_what_was_read_once_is_kept_for_all_who_ask_the_same(
    train: httpx.AsyncClient, backstage: Backstage
) -> None:
    first = await train.get(f"{URL}/prices?points=10")
    again = await train.get(f"{URL}/prices?points=10", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, len(backstage.spans)) == (304, 1)
    for other in ("points=11", "adjusted=false", "downsample=ohlc", "format=csv", "start=2001-01-01"):
        await train.get(f"{URL}/prices?{other}")
    assert len(backstage.spans) == 6
    assert (await train.get("/api/datasets")).headers["ETag"]


async def test_an_outage_is_not_kept(train: httpx.AsyncClient, backstage: Backstage) -> None:
    backstage.error = DependencyUnavailableError("ClickHouse", "down")
    answer = await train.get(f"{URL}/prices")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    backstage.error = None
    assert (await train.get(f"{URL}/prices")).status_code == 200


async def test_the_quality_report_names_gaps_and_refused_rows(train: httpx.AsyncClient) -> None:
    body = (await train.get(f"{URL}/quality")).json()
    assert (body["sessions_expected"], body["sessions_missing"], body["missing"]) == (3, 1, ["2012-06-29"])
    assert (body["rows_refused"], body["refused"][0]["row_number"]) == (1, 7)
    assert body["refused"][0]["reason"] == "close is missing"


async def test_a_ticker_is_deleted_once(train: httpx.AsyncClient) -> None:
    assert (await train.delete(URL)).json() == {"exchange": "US", "ticker": "AAPL", "rows": 3103}
    assert (await train.delete(URL)).status_code == 404


async def test_a_load_is_accepted_followed_and_cancelled(train: httpx.AsyncClient, backstage: Backstage) -> None:
    answer = await train.post("/api/datasets/etl", json={"source": "yfinance", "tickers": ["aapl"], "full": True})
    assert answer.status_code == 202
    url = answer.json()["status_url"]
    assert answer.headers["Location"] == url
    (order,) = backstage.loads.orders
    assert (order.source, order.tickers, order.exchange, order.full) == ("yfinance", ("AAPL",), "US", True)
    assert (await train.get(url)).json()["state"] == "pending"
    assert [item["run_id"] for item in (await train.get("/api/datasets/etl")).json()["items"]] == [
        url.rpartition("/")[2]
    ]
    assert (await train.delete(url)).json()["state"] == "cancelled"
    assert (await train.delete(url)).status_code == 409
    assert (await train.get(f"/api/datasets/etl/{uuid4()}")).status_code == 404


async def test_a_load_tells_what_became_of_each_ticker(train: httpx.AsyncClient, backstage: Backstage) -> None:
    url = (await train.post("/api/datasets/etl", json={"source": "sample"})).json()["status_url"]
    (run_id,) = backstage.loads.known
    ticker = {
        "exchange": "US",
        "ticker": "IBM",
        "rows_read": 9,
        "new": 8,
        "changed": 0,
        "unchanged": 0,
        "rejected": 1,
        "rejections": [{"session": None, "row_number": 4, "reason": "has no date"}],
        "missing_sessions": 2,
        "first_session": "2024-01-02",
        "last_session": "2024-01-16",
        "warehouse": "all",
        "notes": [],
        "error": None,
    }
    report = {"total": 2, "tickers": [ticker], "error": None}
    backstage.loads.known[run_id] = replace(backstage.loads.known[run_id], state="running", report=report)
    body = (await train.get(url)).json()
    assert (body["tickers_total"], body["tickers_done"], body["tickers"]) == (2, 1, [ticker])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": "file"},
        {"source": "yfinance"},
        {"source": "sample", "tickers": ["A B"]},
        {"source": "sample", "exchange": "MOON"},
        {"source": "sample", "colour": "red"},
    ],
)
async def test_a_wrong_load_is_a_422(train: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await train.post("/api/datasets/etl", json=body)).status_code == 422


async def test_a_server_that_does_not_answer_is_a_503(train: httpx.AsyncClient, backstage: Backstage) -> None:
    backstage.loads.error = DependencyUnavailableError("Prefect", "down")
    assert (await train.post("/api/datasets/etl", json={"source": "sample"})).status_code == 503
    assert (await train.get("/api/datasets/etl")).status_code == 503


async def send(train: httpx.AsyncClient, content: bytes, name: str = "mine.csv", **fields: str) -> httpx.Response:
    return await train.post("/api/datasets/upload", files={"file": (name, content)}, data=fields)


async def test_a_file_is_taken_with_columns_of_any_name(train: httpx.AsyncClient, backstage: Backstage) -> None:
    content = GOOD.replace(b"date,close", b"Handelstag,Kurs")
    columns = '{"date": "Handelstag", "close": "Kurs"}'
    answer = await send(train, content, "../../etc/x.csv", ticker="mine", exchange="de", columns=columns)
    assert answer.status_code == 202, answer.text
    (order,) = backstage.loads.orders
    assert (order.source, order.tickers, order.exchange) == ("file", ("MINE",), "DE")
    assert order.columns == {"date": "Handelstag", "close": "Kurs"}
    assert backstage.loads.files == [content]


@pytest.mark.parametrize("name", ["..", "a\x00b.csv", "x" * 300 + ".csv", "日本.csv", "C:\\prices.csv", " "])
async def test_a_file_may_have_any_name(train: httpx.AsyncClient, name: str) -> None:
    assert (await send(train, GOOD, name, ticker="MINE")).status_code == 202


async def test_rows_that_cannot_be_read_are_named_and_can_be_left_out(train: httpx.AsyncClient) -> None:
    answer = await send(train, BAD, ticker="MINE")
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [item["field"] for item in errors] == ["row 3", "row 4"]
    assert "expected a day" in errors[0]["message"]
    assert "expected a number, got 'much'" in errors[1]["message"]
    assert (await send(train, BAD, ticker="MINE", skip_bad_rows="true")).status_code == 202
    assert (await send(train, b"date,close\nsoon,1\n", ticker="MINE", skip_bad_rows="true")).status_code == 422


@pytest.mark.parametrize(
    ("content", "fields", "field", "message"),
    [
        (GOOD, {}, "ticker", "no ticker column"),
        (b"ticker,date,close\nA,2024-01-02,1\n", {"ticker": "MINE"}, "ticker", "has no rows of US:MINE"),
        (b"", {"ticker": "MINE"}, "file", "is empty"),
        (b"day;name\n1;2\n", {"ticker": "MINE"}, "file", "no price column"),
        (b"\x00\x01\xff", {"ticker": "MINE"}, "file", "neither"),
        (GOOD, {"ticker": "MINE", "columns": '{"close": "Px"}'}, "columns", "no column 'Px'"),
        (GOOD, {"ticker": "MINE", "columns": '{"colour": "close"}'}, "columns", "expected names among date"),
        (GOOD, {"ticker": "MINE", "columns": "[1]"}, "columns", "JSON object"),
        (GOOD, {"ticker": "MINE", "columns": "{"}, "columns", "JSON object"),
        (GOOD, {"ticker": "A B"}, "ticker", "ticker"),
        (GOOD, {"ticker": "MINE", "exchange": "MOON"}, "exchange", "exchange"),
    ],
)
async def test_what_is_no_file_of_prices_is_a_422_that_says_why_and_of_which_field(
    train: httpx.AsyncClient, content: bytes, fields: dict[str, str], field: str, message: str
) -> None:
    answer = await send(train, content, **fields)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [f"body.{field}"]
    assert message in answer.json()["detail"]
    assert "/tmp" not in answer.text


async def test_a_request_without_a_file_is_a_422(train: httpx.AsyncClient) -> None:
    assert (await train.post("/api/datasets/upload", data={"ticker": "MINE"})).status_code == 422
    assert (await train.post("/api/datasets/upload", json={})).status_code == 422
