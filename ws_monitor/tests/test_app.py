from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from redis.exceptions import ConnectionError as RedisDownError
from starlette.applications import Starlette
from stock_kit.access import Role
from stock_kit.events import PredictionEvent, Topic
from stock_kit.health import Readiness
from stock_kit.service_settings import WsMonitorSettings
from stock_kit.tokens import AccessTokens
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from ws_monitor.app import create_app
from ws_monitor.gate import Gate, GuardedGate, OpenGate
from ws_monitor.hub import Hub
from ws_monitor.memory import MemoryLog
from ws_monitor.records import Place

MakePrediction = Callable[..., PredictionEvent]


def _fail() -> None:
    raise ConnectionError("refused")


class Service:
    """The application around a hub that holds one prediction."""

    def __init__(self, event: PredictionEvent, gate: Gate | None = None) -> None:
        self.log = MemoryLog()
        self.log.append(Topic.PREDICTIONS, event)
        self.hub: Hub | None = None
        self.app = create_app(self._hub, Readiness({"clickhouse": _fail}), self._lifespan, gate or OpenGate())

    def _hub(self) -> Hub:
        assert self.hub is not None
        return self.hub

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self.hub = Hub(WsMonitorSettings(frame_interval=timedelta(milliseconds=10)))
        self.hub.start_at({Place(str(Topic.PREDICTIONS), 0): 0})
        self.hub.receive(self.log.poll(0, hold=False))
        self.hub.loaded.set()
        yield


class Client:
    """Talks to the service over a real connection, on the server that runs in production."""

    def __init__(self, port: int) -> None:
        self._port = port

    def websocket(self, path: str, origin: str | None = None) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self._port}{path}", open_timeout=10, origin=origin)  # type: ignore[arg-type]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self._port}{path}", trust_env=False)


@contextmanager
def served(service: Service) -> Iterator[Client]:
    config = uvicorn.Config(service.app, log_config=None, ws="websockets-sansio")
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield Client(listening.getsockname()[1])
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def client(make_prediction: MakePrediction) -> Iterator[Client]:
    with served(Service(make_prediction())) as client:
        yield client


def receive(connection: ClientConnection) -> Any:
    return json.loads(connection.recv(timeout=10))


@pytest.mark.parametrize("path", ["/ws/predictions", "/ws/predictions/"])
def test_the_first_frame_is_a_snapshot(client: Client, path: str) -> None:
    with client.websocket(path) as connection:
        frame = receive(connection)
    assert (frame["channel"], frame["kind"]) == ("predictions", "snapshot")
    assert frame["messages"][0]["data"]["ticker"] == "AAPL"


def test_a_client_resumes_with_the_cursor_as_it_stands_in_the_url(client: Client) -> None:
    with client.websocket("/ws/predictions") as connection:
        cursor = receive(connection)["cursor"]
    with client.websocket(f"/ws/predictions?since={cursor}") as connection:
        frame = receive(connection)
    assert (frame["kind"], frame["messages"]) == ("update", [])


def test_a_ping_is_answered(client: Client) -> None:
    with client.websocket("/ws/alerts") as connection:
        receive(connection)
        connection.send("ping")
        assert receive(connection)["kind"] == "ping"


def test_a_client_chooses_other_tickers_while_it_is_connected(client: Client) -> None:
    with client.websocket("/ws/predictions?ticker=US:MSFT") as connection:
        assert receive(connection)["messages"] == []
        connection.send('{"tickers": ["US:AAPL"]}')
        frame = receive(connection)
        assert (frame["kind"], frame["messages"][0]["data"]["ticker"]) == ("snapshot", "AAPL")


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("subscribe", 1008, 'expected ping, {"tickers": ["US:AAPL"]} or {"token": "..."}, got subscribe'),
        ('{"tickers": ["AAPL"]}', 1008, "ticker: expected EXCHANGE:TICKER as in US:AAPL, got AAPL"),
        (b"ping", 1003, "expected a text message, got a binary one"),
        ("あ" * 2000, 1008, 'expected ping, {"tickers": ["US:AAPL"]} or {"token": "..."}, got ' + "あ" * 19),
    ],
)
def test_a_message_that_nobody_understands_closes_with_the_reason(
    client: Client, message: str | bytes, code: int, reason: str
) -> None:
    with client.websocket("/ws/predictions") as connection:
        receive(connection)
        connection.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            receive(connection)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)


def test_a_token_that_nobody_asked_for_changes_nothing(client: Client) -> None:
    with client.websocket("/ws/predictions") as connection:
        receive(connection)
        connection.send('{"token": "a.b.c"}')
        connection.send("ping")
        assert receive(connection)["kind"] == "ping"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("ticker=AAPL", "ticker: expected EXCHANGE:TICKER as in US:AAPL, got AAPL"),
        ("ticker=US:", "ticker: expected EXCHANGE:TICKER as in US:AAPL, got US:"),
        ("tickers=US:AAPL", "unknown parameter tickers; expected since, ticker or ticket"),
    ],
)
def test_a_wrong_query_closes_with_the_reason(client: Client, query: str, reason: str) -> None:
    with client.websocket(f"/ws/predictions?{query}") as connection, pytest.raises(ConnectionClosed) as closed:
        receive(connection)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, reason)


def test_the_number_of_clients_follows_those_connected(client: Client) -> None:
    def connected() -> str:
        lines = client.get("/metrics").text.splitlines()
        return next(line for line in lines if line.startswith('stock_ws_clients{channel="alerts"}')).split()[1]

    with client.websocket("/ws/alerts") as connection:
        receive(connection)
        assert connected() == "1.0"
    deadline = time.monotonic() + 5
    while connected() != "0.0" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert connected() == "0.0"


class Tickets:
    """One ticket, good once; and tokens of a key of these tests' own."""

    def __init__(self) -> None:
        self.waiting = {"good-ticket": "ann"}
        self.error: Exception | None = None
        self.tokens = AccessTokens("k" * 40, timedelta(minutes=5))

    async def redeem(self, ticket: str) -> str | None:
        if self.error is not None:
            raise self.error
        return self.waiting.pop(ticket, None)

    def gate(self, lifetime: timedelta = timedelta(hours=1)) -> GuardedGate:
        return GuardedGate(self.redeem, self.tokens, ["https://desk.example"], lifetime)

    def token(self) -> str:
        return json.dumps({"token": self.tokens.issue("1", "ann", Role.VIEWER)})


@pytest.fixture
def tickets() -> Tickets:
    return Tickets()


@pytest.fixture
def guarded(make_prediction: MakePrediction, tickets: Tickets) -> Iterator[Client]:
    with served(Service(make_prediction(), tickets.gate())) as client:
        yield client


def closed_with(connection: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        receive(connection)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_a_ticket_opens_one_socket(guarded: Client) -> None:
    with guarded.websocket("/ws/predictions?ticket=good-ticket") as connection:
        assert receive(connection)["kind"] == "snapshot"
    with guarded.websocket("/ws/predictions?ticket=good-ticket") as connection:
        assert closed_with(connection) == 4401


def test_a_token_in_the_first_message_opens_a_socket(guarded: Client, tickets: Tickets) -> None:
    with guarded.websocket("/ws/predictions") as connection:
        connection.send(tickets.token())
        assert receive(connection)["kind"] == "snapshot"


@pytest.mark.parametrize("first", ["ping", '{"token": "a.b.c"}', '{"token": 1}', "[]", b"\x00", '{"token"'])
def test_any_other_first_message_closes_the_socket(guarded: Client, first: str | bytes) -> None:
    with guarded.websocket("/ws/alerts") as connection:
        connection.send(first)
        assert closed_with(connection) == 4401


def test_who_says_nothing_is_not_waited_for(guarded: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ws_monitor.gate._PATIENCE_SECONDS", 0.05)
    with guarded.websocket("/ws/metrics") as connection:
        assert closed_with(connection) == 4401


@pytest.mark.parametrize(
    "name", ["token", "access_token", "api_key", "API-Key", "jwt", "refresh_token", "Authorization"]
)
def test_a_lasting_secret_in_the_address_is_refused_also_when_it_is_a_good_one(
    guarded: Client, tickets: Tickets, name: str
) -> None:
    token = json.loads(tickets.token())["token"]
    with guarded.websocket(f"/ws/predictions?ticket=good-ticket&{name}={token}") as connection:
        assert closed_with(connection) == 4403
    with guarded.websocket(f"/ws/predictions?ticket={token}") as connection:
        assert closed_with(connection) == 4403
    assert "good-ticket" in tickets.waiting


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1.evil.example"]
)
def test_a_page_of_another_origin_opens_nothing_whether_access_is_on_or_off(
    guarded: Client, client: Client, tickets: Tickets, origin: str
) -> None:
    with guarded.websocket("/ws/predictions?ticket=good-ticket", origin) as connection:
        assert closed_with(connection) == 4403
    with client.websocket("/ws/predictions", origin) as connection:
        assert closed_with(connection) == 4403
    assert "good-ticket" in tickets.waiting


def test_our_own_page_and_those_named_open_sockets(guarded: Client, client: Client) -> None:
    with guarded.websocket("/ws/predictions?ticket=good-ticket", "https://desk.example") as connection:
        assert receive(connection)["kind"] == "snapshot"
    with client.websocket("/ws/predictions", client.origin) as connection:
        assert receive(connection)["kind"] == "snapshot"


def test_without_redis_a_ticket_is_asked_for_again_later(guarded: Client, tickets: Tickets) -> None:
    tickets.error = RedisDownError("refused")
    with guarded.websocket("/ws/predictions?ticket=good-ticket") as connection:
        assert closed_with(connection) == 1013


def test_an_old_socket_has_to_come_in_again(make_prediction: MakePrediction, tickets: Tickets) -> None:
    service = Service(make_prediction(), tickets.gate(timedelta(milliseconds=50)))
    with served(service) as client, client.websocket("/ws/predictions?ticket=good-ticket") as connection:
        assert receive(connection)["kind"] == "snapshot"
        assert closed_with(connection) == 4401


def test_health_is_the_process_and_ready_its_dependencies(client: Client) -> None:
    assert client.get("/health").status_code == 200
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["clickhouse"]["error"] == "ConnectionError: refused"
