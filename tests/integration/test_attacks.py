"""What a hostile caller sends: statements, paths, templates and control characters in every parameter of the OpenAPI
document, through nginx; and requests that never end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from time import sleep
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pytest
from api.openapi import document
from stock_local.testing import LocalStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PAYLOADS = (
    "' OR '1'='1' --",
    '"; DROP TABLE predictions; --',
    "x') UNION SELECT name, value FROM system.settings --",
    "$$; SELECT pg_sleep(20); --",
    "../../../../../../etc/passwd",
    "..\\..\\secret",
    "file:///etc/passwd",
    "{{7*7}}${7*7}",
    "${jndi:ldap://127.0.0.1:1/x}",
    "x\r\nX-Injected: 1",
    "\x00",
    "%00%2e%2e%2f",
    "$(id)`id`|id",
    "é\u202e\U0001f4a3" * 10,
    "A" * 5_000,
)
# What an answer must not hold: the words of an engine's error, a file's content, an expression's value.
TRACES = ("DB::Exception", "psycopg", "sqlalchemy", "Traceback", "root:x:0:0", "uid=0")
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def api(local_stack: LocalStack) -> Iterator[httpx.Client]:
    local_stack.require("nginx", "backend1", "backend2")
    with httpx.Client(base_url=local_stack.url, timeout=60) as client:
        yield client


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, item[method])
        for path, item in document()["paths"].items()
        for method in METHODS
        if method in item
    ]


def harmless(parameter: dict[str, Any]) -> str:
    """A value of the right form that names nothing which exists."""
    name, schema = parameter["name"], parameter["schema"]
    if schema.get("format") == "uuid" or name.endswith("_id"):
        return str(uuid4())
    if schema.get("type") == "integer":
        return "1"
    return {"exchange": "US", "ticker": "NOSUCH"}.get(name, "nosuch")


def requests_of(path: str, operation: dict[str, Any], payload: str) -> Iterator[dict[str, Any]]:
    """The payload in each parameter and each property of the body, one at a time."""
    parameters = operation.get("parameters", [])
    names = {item["name"]: harmless(item) for item in parameters if item["in"] == "path"}
    for item in parameters:
        if item["in"] == "path":
            yield {"url": filled(path, {**names, item["name"]: payload})}
        elif item["in"] == "query":
            yield {"url": filled(path, names), "params": {item["name"]: payload}}
        elif payload.isprintable() and payload.isascii():
            yield {"url": filled(path, names), "headers": {item["name"]: payload}}
    for name in body_properties(operation):
        yield {"url": filled(path, names), "json": {name: payload}}
        yield {"url": filled(path, names), "json": {name: [payload]}}


def filled(path: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        path = path.replace("{" + name + "}", quote(value, safe=""))
    return path


def body_properties(operation: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return list(document()["components"]["schemas"].get(name, {}).get("properties", {}))


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    [pytest.param(*item, id=item[2]["operationId"]) for item in operations() if not item[0].endswith("/events")],
)
def test_no_parameter_reaches_an_engine_a_file_or_a_shell(
    api: httpx.Client, path: str, method: str, operation: dict[str, Any]
) -> None:
    for payload in PAYLOADS:
        for request in requests_of(path, operation, payload):
            answer = api.request(method, **request)
            assert answer.status_code < 500 or (answer.status_code == 503 and "Retry-After" in answer.headers), (
                answer.text
            )
            assert "x-injected" not in answer.headers
            # An error may repeat what came; what it repeats is no trace.
            text = answer.text.replace(payload, "")
            assert not [trace for trace in TRACES if trace in text], text


def test_the_tables_are_still_there(api: httpx.Client) -> None:
    for path in ("/api/predict/", "/api/datasets", "/api/models/", "/api/train", "/api/watchlists"):
        assert api.get(path).status_code == 200, path


@pytest.mark.slow
def test_clients_that_never_end_their_request_are_cut_off_and_keep_nobody_waiting(
    api: httpx.Client, local_stack: LocalStack
) -> None:
    parts = urlsplit(local_stack.url)
    with ExitStack() as stack:
        slow = []
        for number in range(200):
            connection = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=40))
            # Half of them stop in the headers, half in the body that they announced.
            head = b"POST /api/predict/ HTTP/1.1\r\nHost: x\r\n"
            connection.sendall(head if number % 2 else head + b"Content-Length: 100\r\n\r\n{")
            slow.append(connection)
        for _ in range(5):
            assert api.get("/api/datasets").status_code == 200
            sleep(0.2)
        for connection in slow:
            answer = connection.recv(4096)  # nothing, or 408; the time limit of the socket is the test's
            assert answer == b"" or b" 408 " in answer.split(b"\r\n", 1)[0]
