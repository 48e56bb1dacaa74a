"""What holds without a broker; with one: tests/integration/test_stream.py."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import confluent_kafka
import pytest
from kafka.errors import KafkaError
from pydantic import SecretStr
from stock_kit.events import MetricsEvent, Topic
from stock_kit.kafka import DROPPED, FAILED, PENDING, SENT, EventProducer
from stock_kit.kafka_clients import connection_options, ensure_topics, open_consumer
from stock_kit.server_settings import KafkaSettings

# kafka-python leaves the socket of a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaSettings]:
    """Settings of a broker that is down: the port is taken, but nobody listens."""
    monkeypatch.setattr("stock_kit.kafka_clients._BOOTSTRAP_MS", 200)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield KafkaSettings(
            bootstrap_servers=f"127.0.0.1:{reserved.getsockname()[1]}", delivery_timeout=timedelta(seconds=1)
        )
    gc.collect()


def event(number: int) -> MetricsEvent:
    scraped_at = datetime(2026, 1, 5, tzinfo=UTC)
    return MetricsEvent(service=f"s{number}", instance="x", scraped_at=scraped_at, up=True, duration_seconds=0)


def count(metric: Any) -> float:
    return float(metric.labels(Topic.METRICS.value)._value.get())


def kafka_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("kafka")]


def test_sending_neither_waits_nor_fails_while_the_broker_is_down(nobody: KafkaSettings) -> None:
    started = time.perf_counter()
    producer = EventProducer(nobody, "test")
    for number in range(100):
        producer.send(Topic.METRICS, event(number))
    assert time.perf_counter() - started < 0.5
    assert producer.pending == 100
    assert not producer.connected
    assert not producer.flush(0.05)
    producer.close(timeout=0)


def test_a_full_queue_drops_the_oldest_and_counts_it(nobody: KafkaSettings) -> None:
    producer, before = EventProducer(nobody, "test", queue_size=10), count(DROPPED)
    for number in range(25):
        producer.send(Topic.METRICS, event(number))
    assert count(DROPPED) - before == 15
    assert producer.pending == 10
    assert [message.key for message in producer._queue] == [f"s{number}".encode() for number in range(15, 25)]
    producer.close(timeout=0)


def test_what_cannot_be_delivered_in_time_is_given_up_and_counted(nobody: KafkaSettings) -> None:
    producer, before = EventProducer(nobody, "test"), count(FAILED)
    producer.send(Topic.METRICS, event(0))
    assert producer.flush(10)
    assert count(FAILED) - before == 1
    producer.close(timeout=0)


def test_an_event_sent_after_the_end_is_dropped(nobody: KafkaSettings) -> None:
    producer = EventProducer(nobody, "test")
    producer.close(timeout=0)
    before = count(DROPPED)
    producer.send(Topic.METRICS, event(0))
    assert count(DROPPED) - before == 1
    assert producer.pending == 0


@pytest.mark.parametrize("open_client", [ensure_topics, lambda settings: open_consumer(settings, client_id="test")])
def test_a_client_that_cannot_connect_leaves_no_thread_behind(nobody: KafkaSettings, open_client: Any) -> None:
    before = kafka_threads()
    with pytest.raises(KafkaError):
        open_client(nobody)
    assert kafka_threads() == before


def test_several_servers_and_sasl_become_the_clients_options() -> None:
    settings = KafkaSettings(
        bootstrap_servers="a:9092, b:9093,",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="stock",
        sasl_password=SecretStr("secret"),
    )
    options = connection_options(settings, "test")
    assert options["bootstrap_servers"] == ["a:9092", "b:9093"]
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("stock", "secret")


def test_without_sasl_no_credentials_are_given() -> None:
    assert not [name for name in connection_options(KafkaSettings(), "test") if name.startswith("sasl")]


class Client:
    """librdkafka, which delivers what it was given when it is polled, or breaks when its sender does that."""

    def __init__(self, *, breaks: bool) -> None:
        self.breaks = breaks
        self.waiting: list[tuple[bytes, Callable[..., None]]] = []
        self.delivered: list[bytes] = []

    def produce(self, topic: str, value: bytes, key: bytes, on_delivery: Callable[..., None]) -> None:
        self.waiting.append((value, on_delivery))

    def poll(self, timeout: float) -> None:
        if self.breaks and threading.current_thread() is threading.main_thread():
            raise confluent_kafka.KafkaException(confluent_kafka.KafkaError(confluent_kafka.KafkaError._FATAL))
        if not self.breaks:
            self._tell(None)

    def purge(self) -> None:
        self._tell(confluent_kafka.KafkaError(confluent_kafka.KafkaError._PURGE_QUEUE))

    def _tell(self, error: confluent_kafka.KafkaError | None) -> None:
        waiting, self.waiting = self.waiting, []
        for value, tell in waiting:
            if error is None:
                self.delivered.append(value)
            tell(error, None)

    def __len__(self) -> int:
        return len(self.waiting)


def test_what_the_broker_has_is_counted_and_no_longer_pending(
    nobody: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stock_kit.kafka.ensure_topics", lambda _: [])
    monkeypatch.setattr("stock_kit.kafka.open_producer", lambda *_: Client(breaks=False))
    sent, pending = SENT.labels("counted"), PENDING._value
    before, waiting = sent._value.get(), pending.get()
    producer = EventProducer(nobody.model_copy(update={"delivery_timeout": timedelta(seconds=30)}), "test")
    producer.forward_all([("counted", "k", str(number)) for number in range(500)])
    assert producer.flush(10)
    assert (sent._value.get() - before, pending.get() - waiting, producer.pending) == (500, 0, 0)
    producer.close()


def test_what_who_sends_hears_of_a_broken_client_gives_it_up_and_is_sent_by_the_next(
    nobody: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [Client(breaks=True), Client(breaks=False)]
    opened = iter(clients)
    monkeypatch.setattr("stock_kit.kafka.ensure_topics", lambda _: [])
    monkeypatch.setattr("stock_kit.kafka.open_producer", lambda *_: next(opened))
    producer = EventProducer(nobody.model_copy(update={"delivery_timeout": timedelta(seconds=30)}), "test")
    while not producer.connected:
        time.sleep(0.01)
    producer.forward_all([("t", "k", "one"), ("t", "k", "two")])
    assert producer.flush(10)
    producer.close()
    assert (clients[0].delivered, clients[1].delivered) == ([], [b"one", b"two"])
