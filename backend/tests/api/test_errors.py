from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import psycopg2
import pytest
from api.errors import outage
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from psycopg2.errors import UndefinedTable, UniqueViolation
from sqlalchemy import exc
from stock_mlops.errors import ConflictError, DependencyUnavailableError

if TYPE_CHECKING:
    from .backstage import Backstage

pytestmark = pytest.mark.anyio

PREDICT = "/api/predict/"
OUTAGES = [
    exc.OperationalError("SELECT 1", None, psycopg2.OperationalError("connection refused")),
    exc.InterfaceError("SELECT 1", None, psycopg2.InterfaceError("connection already closed")),
    exc.TimeoutError("QueuePool limit reached"),
    exc.ProgrammingError("SELECT 1", None, UndefinedTable("no such table")),
    OperationalError("network error"),
    DatabaseError("no such table", code=60),
    DependencyUnavailableError("MLflow", "HTTP 503"),
]
BUGS = [
    exc.IntegrityError("INSERT", None, UniqueViolation("duplicate key")),
    DatabaseError("syntax error", code=62),
    ValueError("a secret of the inside"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
async def test_a_dependency_that_is_down_is_a_503_with_retry_after(
    predict: httpx.AsyncClient, backstage: Backstage, error: Exception
) -> None:
    backstage.error = error
    answer = await predict.post(PREDICT, json={"ticker": "AAPL"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["code"] == "dependency_unavailable"
    backstage.error = None
    assert (await predict.post(PREDICT, json={"ticker": "AAPL"})).status_code == 200


@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
async def test_a_bug_is_a_500_that_tells_nothing_of_the_inside_but_its_request_id(
    predict: httpx.AsyncClient, backstage: Backstage, error: Exception
) -> None:
    backstage.error = error
    answer = await predict.post(PREDICT, json={"ticker": "AAPL"})
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert str(error) not in answer.text


async def test_a_known_error_keeps_its_status_code_and_words(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    backstage.error = ConflictError("expected this, got that")
    answer = await predict.post(PREDICT, json={"ticker": "AAPL"})
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["detail"]) == (409, "conflict", "expected this, got that")


async def test_the_reason_of_an_outage_is_one_short_line() -> None:
    long = exc.OperationalError("SELECT 1", None, psycopg2.OperationalError("connection refused\n" + "x" * 1000))
    known = outage(long)
    assert known is not None
    assert "connection refused" in known.detail
    assert len(known.detail) < 250


async def test_an_unknown_path_is_a_problem(predict: httpx.AsyncClient) -> None:
    answer = await predict.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_a_method_that_is_not_offered_names_those_that_are(predict: httpx.AsyncClient) -> None:
    answer = await predict.delete("/health")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
    assert "expected GET" in answer.json()["detail"]


async def test_a_wrong_field_is_named_with_what_was_expected(predict: httpx.AsyncClient) -> None:
    answer = await predict.post(PREDICT, json={"ticker": "AAPL", "exchange": "MOON", "horizn": 3})
    assert answer.status_code == 422
    fields = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert "expected one of US, TW" in fields["body.exchange"]
    assert "body.horizn" in fields


async def test_a_wrong_field_is_told_by_code_and_values_for_other_languages(predict: httpx.AsyncClient) -> None:
    answer = await predict.post(PREDICT, json={"ticker": "AAPL", "horizon": 999})
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"], error["params"]) == ("body.horizon", "less_than_equal", {"le": 250})
    answer = await predict.post(PREDICT, json={"ticker": "AAPL", "horizon": "much"})
    (error,) = answer.json()["errors"]
    assert (error["code"], error["message"]) == ("json_number", "expected a number, got 'much'")


ODD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"\xff\xfe",
    b'{"ticker": 1e999}',
    b'{"ticker": "\\u0000"}',
    b"[" * 9999,
]


@pytest.mark.parametrize("body", ODD_BODIES)
async def test_a_body_of_any_kind_is_answered_by_a_422(predict: httpx.AsyncClient, body: bytes) -> None:
    answer = await predict.post(PREDICT, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["status"] == 422


async def test_a_usable_request_id_of_the_caller_is_kept(predict: httpx.AsyncClient) -> None:
    answer = await predict.get("/health", headers={"X-Request-ID": "caller-0001"})
    assert answer.headers["X-Request-ID"] == "caller-0001"


@pytest.mark.parametrize("value", ["short", "x" * 65, "with spaces and so on", "new\tline----"])
async def test_an_odd_request_id_is_replaced(predict: httpx.AsyncClient, value: str) -> None:
    answer = await predict.get("/health", headers={"X-Request-ID": value})
    assert answer.headers["X-Request-ID"] != value


async def test_a_refused_method_names_what_all_routes_of_the_path_offer(train: httpx.AsyncClient) -> None:
    answer = await train.post(f"/api/models/{uuid4()}")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, GET, PATCH"
    answer = await train.patch("/api/models/features")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
