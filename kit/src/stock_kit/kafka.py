"""The producer of every service: it never gets in its caller's way.

The broker may be down when a service starts, may be restarted, and may come back without its topics (see
:mod:`stock_kit.kafka_clients`). No service needs a restart after that.
"""

from __future__ import annotations

import threading
from bisect import insort
from collections import Counter as Counts
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache, partial
from time import monotonic
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from kafka.errors import KafkaError as TopicsError
from prometheus_client import Counter, Gauge

from stock_kit.events import Event, Topic
from stock_kit.kafka_clients import ensure_topics, open_producer
from stock_kit.logging import get_logger
from stock_kit.server_settings import KafkaSettings

log = get_logger(__name__)

SENT = Counter("stock_kafka_sent_total", "Events acknowledged by the broker", ["topic"])
FAILED = Counter("stock_kafka_failed_total", "Events given up after the delivery timeout or an error", ["topic"])
DROPPED = Counter("stock_kafka_dropped_total", "Events dropped because the producer's queue was full", ["topic"])
PENDING = Gauge("stock_kafka_pending", "Events waiting for the broker's acknowledgement", multiprocess_mode="livesum")

# Told from the beginning: of a series that appears with its first failure, nobody can say that it grew.
for _topic in Topic:
    FAILED.labels(str(_topic))
    DROPPED.labels(str(_topic))

# No acknowledgement for so long: look whether the topics are still there.
_STALL_CHECK = 2.0
# Topics exist and still no acknowledgement: start over with a new client.
_STALL_REBUILD = 12.0
_RETRY = 0.5
# Who sends hears of acknowledgements too, once in so long. Each needs the interpreter, which a thread that only hears
# would take away from who sends for every single event; so it hears now and then, and what is left.
_HEAR_INTERVAL = 0.02
_PAUSE = 0.1
# How long it waits for them at once while somebody waits for it.
_HURRIED = 0.05
# What the client may hold before it is acknowledged; the rest waits here, where the oldest can be dropped.
_MAX_IN_FLIGHT = 5_000
_PURGE_SECONDS = 2.0

# What a client that is given up says of the events it held, and of its numbering that a broker which lost its memory
# no longer knows. Nobody knows whether they were written: another client sends them again, and their ids tell.
_AGAIN = frozenset(
    {
        KafkaError._FATAL,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._PURGE_QUEUE,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.UNKNOWN_PRODUCER_ID,
    }
)


@lru_cache(maxsize=64)
def _sent(topic: str) -> Counter:
    # labels() takes a lock and formats its values each time.
    return SENT.labels(topic)


class _Message(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    queued_at: float


class EventProducer:
    """Sends events in the background; what it cannot deliver in time is dropped and counted, never raised.

    The client is librdkafka, whose threads need no interpreter; a thread of ours opens it, hears from it, and replaces
    it. Delivery is acknowledged by all replicas, in order per key and without duplicates while a connection lasts. What
    must not be lost has a durable record elsewhere (the outbox, ClickHouse). Make one per process, after a fork.
    """

    def __init__(self, settings: KafkaSettings, client_id: str, *, queue_size: int = 10_000) -> None:
        self._settings = settings
        self._client_id = client_id
        self._queue_size = queue_size
        self._timeout = settings.delivery_timeout.total_seconds()
        self._queue: deque[_Message] = deque()
        self._in_flight = 0
        self._last_progress = monotonic()
        self._heard_at = 0.0
        self._complaint: Exception | None = None
        self._changed = threading.Condition()
        self._flushing = 0
        self._closing = False
        self._unreachable = False
        self._acknowledged: Counts[str] = Counts()
        self._failures: Counts[str] = Counts()
        self._producer: Producer | None = None
        self._thread = threading.Thread(target=self._run, name=f"kafka-{client_id}", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether the broker was reached and is not known to be gone."""
        with self._changed:
            return self._producer is not None and not self._stalled(_STALL_CHECK)

    @property
    def pending(self) -> int:
        """Events that are not acknowledged, failed or dropped yet."""
        with self._changed:
            return len(self._queue) + self._in_flight

    def send(self, topic: str, event: Event) -> None:
        """Hand one event over. Returns at once; when the queue is full the oldest waiting event is dropped and
        counted."""
        self.forward_all([(topic, event.key, event.model_dump_json())])

    def forward_all(self, events: Iterable[tuple[str, str, str]]) -> None:
        """As :meth:`send`, for the topics, keys and JSON of events that were put into JSON already."""
        now = monotonic()
        messages = [_Message(str(topic), key.encode(), value.encode(), now) for topic, key, value in events]
        with self._changed:
            dropped = messages
            if not self._closing:
                self._queue.extend(messages)
                PENDING.inc(len(messages))
                self._hand_over()
                dropped = [self._queue.popleft() for _ in range(len(self._queue) - self._queue_size)]
                PENDING.dec(len(dropped))
            producer = self._producer
        for message in dropped:
            DROPPED.labels(message.topic).inc()
        if producer is not None and now - self._heard_at > _HEAR_INTERVAL:
            self._hear(producer)

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is pending; false when ``timeout`` seconds were not enough."""
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._queue and not self._in_flight, timeout)
            finally:
                self._flushing -= 1

    def close(self, timeout: float = 5.0) -> None:
        """Send what is pending for up to ``timeout`` seconds, then stop."""
        self.flush(timeout)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=timeout + 1.0)

    def _hand_over(self) -> None:
        """Give what waits to the client, if there is one; held: the lock."""
        while self._producer is not None and self._queue and self._in_flight < _MAX_IN_FLIGHT:
            message = self._queue[0]
            try:
                self._producer.produce(
                    message.topic, message.value, message.key, on_delivery=partial(self._delivered, message)
                )
            except (BufferError, KafkaException):  # full, or broken, which the thread finds out
                return
            self._queue.popleft()
            if not self._in_flight:
                self._last_progress = monotonic()
            self._in_flight += 1

    def _run(self) -> None:
        while not self._closing:
            try:
                self._serve(self._producer or self._connect())
                self._unreachable = False
            except (TopicsError, KafkaException, OSError) as error:
                self._report(error)
                if isinstance(error, KafkaException):
                    self._disconnect()
                self._expire()
                self._pause()
            except Exception:
                # A defect in the client must not end the only thread that hears from it; what it chokes on expires.
                log.exception("kafka_producer_error")
                self._disconnect()
                self._expire()
                self._pause()
        self._disconnect()
        self._discard_all()

    def _report(self, error: BaseException) -> None:
        """One line per outage, not one per attempt."""
        if not self._unreachable:
            log.warning("kafka_unreachable", error=str(error) or type(error).__name__, pending=self.pending)
        self._unreachable = True

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, _RETRY)

    def _connect(self) -> Producer:
        ensure_topics(self._settings)
        producer = open_producer(self._settings, self._client_id)
        log.info("kafka_producer_connected", servers=self._settings.bootstrap_servers)
        with self._changed:
            self._producer, self._complaint = producer, None
            self._last_progress = monotonic()
            self._hand_over()
        return producer

    def _disconnect(self) -> None:
        """Give the client up; what it had not delivered waits for the next."""
        with self._changed:
            producer, self._producer = self._producer, None
        if producer is None:
            return
        deadline = monotonic() + _PURGE_SECONDS
        with suppress(KafkaException):
            producer.purge()
        while len(producer) and monotonic() < deadline:
            with suppress(KafkaException):  # the error for which it is given up, told at each turn
                self._poll(producer, 0.05)

    def _serve(self, producer: Producer) -> None:
        """Hear what became of events, for a moment."""
        with self._changed:
            hurried = self._changed.wait_for(lambda: self._flushing or self._closing, _PAUSE)
            complaint, self._complaint = self._complaint, None
        if complaint is not None:
            raise complaint
        self._heard_at = monotonic()
        self._poll(producer, _HURRIED if hurried else 0.0)
        with self._changed:
            self._hand_over()
        self._report_failures()
        self._look_after_stall()

    def _hear(self, producer: Producer) -> None:
        """The sender's turn."""
        self._heard_at = monotonic()
        try:
            self._poll(producer, 0.0)
        except Exception as error:  # noqa: BLE001  who sends is not to be bothered; the thread sees to it
            self._complaint = error

    def _delivered(self, message: _Message, error: KafkaError | None, _: Message) -> None:
        """Called by the client inside of ``poll``."""
        with self._changed:
            if error is None:
                self._acknowledged[message.topic] += 1
                return
            self._in_flight -= 1
            if error.code() in _AGAIN and not self._closing and monotonic() - message.queued_at < self._timeout:
                insort(self._queue, message, key=lambda other: other.queued_at)
            else:
                FAILED.labels(message.topic).inc()
                PENDING.dec()
                self._failures[f"{message.topic}: {error.str()}"] += 1

    def _poll(self, producer: Producer, timeout: float) -> None:
        """Hear from the client; raises what it raises."""
        try:
            producer.poll(timeout)
        finally:
            # All at once, and waking nobody who waits for something else: there are thousands a second.
            with self._changed:
                acknowledged, self._acknowledged = self._acknowledged, Counts()
            for topic, count in acknowledged.items():
                _sent(topic).inc(count)
                PENDING.dec(count)
            with self._changed:
                if acknowledged:
                    self._in_flight -= acknowledged.total()
                    self._last_progress = monotonic()
                if self._flushing:
                    self._changed.notify_all()

    def _report_failures(self) -> None:
        """One line for all events that failed alike since the last report."""
        with self._changed:
            failures, self._failures = self._failures, Counts()
        for error, count in failures.items():
            log.warning("kafka_delivery_failed", error=error, count=count)

    def _stalled(self, limit: float) -> bool:
        return self._in_flight > 0 and monotonic() - self._last_progress > limit

    def _look_after_stall(self) -> None:
        """A broker that came back without its topics leaves messages waiting for a partition that nobody has."""
        with self._changed:
            stalled, hopeless = self._stalled(_STALL_CHECK), self._stalled(_STALL_REBUILD)
        if stalled:
            ensure_topics(self._settings)
        if hopeless:
            log.warning("kafka_producer_rebuilt", pending=self.pending)
            self._disconnect()

    def _expire(self) -> None:
        """Give up what has waited longer than the delivery timeout."""
        expired = []
        with self._changed:
            while self._queue and monotonic() - self._queue[0].queued_at > self._timeout:
                expired.append(self._queue.popleft())
            if expired:
                self._changed.notify_all()
        self._count_lost(expired)

    def _discard_all(self) -> None:
        with self._changed:
            lost = list(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        self._count_lost(lost)

    @staticmethod
    def _count_lost(messages: list[_Message]) -> None:
        PENDING.dec(len(messages))
        for message in messages:
            FAILED.labels(message.topic).inc()
