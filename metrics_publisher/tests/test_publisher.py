from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from time import monotonic

import pytest
from metrics_publisher.publisher import Publisher, beats, targets_of
from metrics_publisher.scrape import MAX_BODY_BYTES
from stock_kit.events import Event, MetricsEvent, Topic
from stock_kit.service_settings import PublisherSettings
from stock_kit.settings import Settings

pytestmark = pytest.mark.anyio

Answer = Callable[[asyncio.StreamWriter], object]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Outlet:
    def __init__(self) -> None:
        self.events: list[MetricsEvent] = []

    def send(self, topic: str, event: Event) -> None:
        assert topic == Topic.METRICS
        assert isinstance(event, MetricsEvent)
        self.events.append(event)


def respond(body: str, status: str = "200 OK") -> Answer:
    def answer(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        writer.close()

    return answer


def hang(_: asyncio.StreamWriter) -> None:
    """Take the request and say nothing."""


@asynccontextmanager
async def service(answer: Answer) -> AsyncIterator[str]:
    writers = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the publisher gave up
            await reader.readuntil(b"\r\n\r\n")
            answer(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}/metrics"
    finally:
        for writer in writers:
            writer.close()
        server.close()


async def publish(targets: dict[str, str], *, interval: float = 30.0, events: int = 1) -> list[MetricsEvent]:
    """The first ``events`` that are published."""
    outlet = Outlet()
    publisher = Publisher(targets, interval, outlet)
    running = asyncio.create_task(publisher.run())
    deadline = monotonic() + 20
    while len(outlet.events) < events and monotonic() < deadline:
        await asyncio.sleep(0.01)
    publisher.stop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return outlet.events


async def test_a_scrape_becomes_an_event() -> None:
    async with service(respond("stock_x 1.5\n")) as url:
        event, *_ = await publish({"backend1": url})
    assert (event.service, event.up, event.error, event.samples) == ("backend1", True, None, {"stock_x": 1.5})
    assert url == f"http://{event.instance}/metrics"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (respond("no", "503 Service Unavailable"), "expected status 200, got 503"),
        (respond("<html>"), "expected Prometheus text"),
        (respond("x" * (MAX_BODY_BYTES + 1)), "the page is larger than"),
        (lambda writer: writer.close(), "RemoteProtocolError"),
    ],
)
async def test_a_service_without_metrics_is_down_and_the_event_says_why(answer: Answer, reason: str) -> None:
    async with service(answer) as url:
        event, *_ = await publish({"backend1": url})
    assert (event.up, event.samples) == (False, {})
    assert event.error is not None
    assert reason in event.error


async def test_a_service_that_is_not_there_is_down() -> None:
    async with service(hang) as url:
        pass
    event, *_ = await publish({"backend1": url})
    assert event.up is False
    assert event.error is not None
    assert "ConnectError" in event.error


async def test_a_service_that_hangs_is_down_at_the_time_limit() -> None:
    async with service(hang) as url:
        event, *_ = await publish({"backend1": url}, interval=0.1)
    assert (event.up, event.error) == (False, "no complete answer within 0.08 s")


async def test_a_service_that_hangs_does_not_hold_up_the_others() -> None:
    async with service(hang) as dead, service(respond("stock_x 1\n")) as alive:
        (event,) = await publish({"dead": dead, "alive": alive})
    assert (event.service, event.up) == ("alive", True)


async def test_scrapes_go_on_round_after_round() -> None:
    async with service(respond("stock_x 1\n")) as url:
        events = await publish({"backend1": url}, interval=0.1, events=4)
    assert [event.service for event in events[:4]] == ["backend1"] * 4


async def test_stopping_ends_the_publisher_between_two_rounds() -> None:
    publisher = Publisher({}, 30.0, Outlet())
    running = asyncio.create_task(publisher.run())
    publisher.stop()
    await asyncio.wait_for(running, 10)


async def test_deadlines_do_not_drift_and_missed_ones_are_left_out() -> None:
    start = monotonic() - 10.5
    first, second, third = islice(beats(start, 1.0), 3)
    assert first == start
    assert second - start == 10.0
    assert third - second == 1.0


async def test_the_default_targets_are_all_services_that_have_metrics() -> None:
    targets = targets_of(Settings())
    assert set(targets) == {"backend1", "backend2", "ws_monitor", "workflows", "celery_train", "celery_predict"}
    assert targets["celery_predict"] == "http://127.0.0.1:8012/metrics"


async def test_configured_targets_replace_the_default() -> None:
    settings = Settings(publisher=PublisherSettings(targets={"a": "http://a/metrics"}))
    assert targets_of(settings) == {"a": "http://a/metrics"}
