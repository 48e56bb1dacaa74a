from __future__ import annotations

from typing import Any

import httpx
import pytest
from api.errors import ErrorRenderer
from api.limits import BodyLimitMiddleware
from api.quick import QuickCalls, QuickRoute
from api.schemas.predictions import BulkRequest, PredictRequest
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from stock_mlops.errors import NoDataError

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
BODIES = [
    b'{"ticker": "AAPL"}',
    b' {"ticker" :\t" aapl ",\n"exchange":"us", "horizon": 5}\r\n',
    b'{"ticker": "AAPL", "horizon": 2.0}',
    b'{"ticker": "AAPL", "ticker": "MSFT"}',
    b'{"ticker": "\\u0041APL"}',
    '{"ticker": "é"}'.encode(),
    '\ufeff{"ticker": "AAPL"}'.encode(),
    '{"ticker": "AAPL"}'.encode("utf-16"),
    b'{"ticker": "\xff"}',
    b'{"ticker": "\\ud800"}',
    b'{"ticker": "AAPL", "horizon": "2"}',
    b'{"ticker": "AAPL", "horizon": true}',
    b'{"ticker": "AAPL", "horizon": 1.5}',
    b'{"ticker": "AAPL", "horizon": NaN}',
    b'{"ticker": "AAPL", "horizon": 1e400}',
    b'{"ticker": "AAPL", "horizon": ' + b"9" * 5000 + b"}",
    b'{"ticker": "AAPL", "horizon": 251}',
    b'{"ticker": "AAPL", "unknown": 1}',
    b'{"ticker": 5}',
    b'{"ticker": null}',
    b"{}",
    b"[]",
    b"null",
    b'"AAPL"',
    b"",
    b'{"ticker": "AAPL"',
    b'{"ticker": "AAPL"} x',
    b"[" * 300,
]
HEADERS: list[dict[str, str]] = [
    JSON,
    {},
    {"Content-Type": "application/json; charset=utf-8"},
    {"Content-Type": "APPLICATION/JSON"},
    {"Content-Type": "application/vnd.api+json"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/x-www-form-urlencoded"},
]


async def predict(body: PredictRequest, request: Request) -> Response:
    if body.ticker == "NONE":
        raise NoDataError("nothing here")
    if body.ticker == "GONE":
        raise HTTPException(410, "it was here")
    if body.ticker == "BUG":
        raise ZeroDivisionError
    return Response(body.model_dump_json() + request.url.path, media_type="application/json")


async def bulk(body: BulkRequest, request: Request) -> Response:
    return Response(body.model_dump_json() + request.method, media_type="application/json")


def client(route_class: type[APIRoute]) -> httpx.AsyncClient:
    router = APIRouter(route_class=route_class)
    router.post("/predict", response_model=None)(predict)
    router.post("/bulk", response_model=None)(bulk)
    errors, app = ErrorRenderer(1.0), FastAPI()
    errors.install(app)
    app.router.routes.extend(router.routes)
    return client_of(BodyLimitMiddleware(QuickCalls(app, app.routes, errors), 10_000, 10_000, ()))


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def both(path: str, body: bytes, headers: dict[str, str]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    answers = []
    for route_class in (QuickRoute, APIRoute):
        async with client(route_class) as http:
            answer = await http.post(path, content=body, headers=headers)
        answers.append((answer.status_code, answer.content, dict(answer.headers)))
    return answers[0], answers[1]


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_is_answered_as_fastapi_answers_it(body: bytes) -> None:
    quick, thorough = await both("/predict", body, JSON)
    assert quick == thorough


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("body", BODIES[:1] + BODIES[-4:])
async def test_so_it_is_whatever_the_body_claims_to_be(body: bytes, headers: dict[str, str]) -> None:
    quick, thorough = await both("/predict", body, headers)
    assert quick == thorough


@pytest.mark.parametrize(
    "body",
    [
        b'{"instruments": [{"ticker": "a"}, {"ticker": "B", "exchange": "TW"}], "horizon": 3}',
        b'{"instruments": [{"ticker": "a", "x": 1}]}',
        b'{"instruments": []}',
        b'{"instruments": {"ticker": "a"}}',
    ],
)
async def test_a_nested_body_is_answered_as_fastapi_answers_it(body: bytes) -> None:
    quick, thorough = await both("/bulk", body, JSON)
    assert quick == thorough


async def test_another_method_is_refused() -> None:
    async with client(QuickRoute) as http:
        assert (await http.get("/predict")).status_code == 405


async def test_what_is_plainly_right_needs_nothing_of_fastapi() -> None:
    async def thorough(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        assert message["body"] == b'{"ticker": 5}'
        await Response("thorough")(scope, receive, send)

    router = APIRouter(route_class=QuickRoute)
    router.post("/predict", response_model=None)(predict)
    async with client_of(QuickCalls(thorough, router.routes, ErrorRenderer(1.0))) as http:
        assert (await http.post("/predict", json={"ticker": "AAPL"})).text.startswith('{"ticker":"AAPL"')
        assert (await http.post("/predict", content=b'{"ticker": 5}', headers=JSON)).text == "thorough"


@pytest.mark.parametrize("ticker", ["none", "gone", "bug"])
async def test_an_error_of_the_endpoint_is_rendered_as_any_other(ticker: str) -> None:
    quick, thorough = await both("/predict", f'{{"ticker": "{ticker}"}}'.encode(), JSON)
    assert quick == thorough
    assert quick[0] == {"none": 404, "gone": 410, "bug": 500}[ticker]


async def test_a_body_that_grows_too_large_is_refused_as_any_other() -> None:
    async def endless() -> Any:
        for _ in range(20):
            yield b" " * 1_000

    answers = []
    for route_class in (QuickRoute, APIRoute):
        async with client(route_class) as http:
            answer = await http.post("/predict", content=endless(), headers=JSON)
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 413


async def test_a_body_may_come_in_pieces() -> None:
    async def pieces() -> Any:
        for piece in (b'{"tick', b'er": "AA', b'PL"}'):
            yield piece

    async with client(QuickRoute) as http:
        answer = await http.post("/predict", content=pieces(), headers=JSON)
    assert answer.status_code == 200
    assert answer.text.startswith('{"ticker":"AAPL"')
