"""The producer of every service: it never gets in its caller's way.

The broker may be down when a service starts, may be restarted, and may come back without its topics (see
:mod:`stock_kit.kafka_clients`). No service needs a restart after that.
"""

from __future__ import annotations

import threading
from bisect import insort
from collections import Counter as Counts
from collections import deque
from time import monotonic, sleep
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaError,
    OutOfOrderSequenceNumberError,
    UnknownProducerIdError,
)
from prometheus_client import Counter, Gauge

from stock_kit.events import Event, Topic
from stock_kit.kafka_clients import connection_options, ensure_topics, open_client
from stock_kit.logging import get_logger
from stock_kit.settings import KafkaSettings

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
# Topics exist and still no acknowledgement: start over with a new producer.
_STALL_REBUILD = 12.0
_RETRY = 0.5
# Events of one burst are handed to the client together: each hand-over wakes two threads.
_GATHER = 0.005
# What may be handed to the client before it is acknowledged: the client itself has no bound.
_MAX_IN_FLIGHT = 5_000

# A broker that lost its memory no longer knows the producer's numbering. Nothing was written, and the client goes on
# with a new numbering, so that another attempt succeeds.
_NUMBERING_ERRORS = (OutOfOrderSequenceNumberError, UnknownProducerIdError, InvalidProducerEpochError)


class _Message(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    queued_at: float


class EventProducer:
    """Sends events from a thread of its own; what it cannot deliver in time is dropped and counted, never raised.

    It connects in the background and reconnects for ever. Delivery is acknowledged by all replicas, in order per key
    and without duplicates while a connection lasts. What must not be lost has a durable record elsewhere (the outbox,
    ClickHouse). Make one per process, after a fork.
    """

    def __init__(self, settings: KafkaSettings, client_id: str, *, queue_size: int = 10_000) -> None:
        self._settings = settings
        self._client_id = client_id
        self._queue_size = queue_size
        self._timeout = settings.delivery_timeout.total_seconds()
        self._queue: deque[_Message] = deque()
        self._in_flight = 0
        self._last_progress = monotonic()
        self._changed = threading.Condition()
        self._closing = False
        self._unreachable = False
        self._failures: Counts[str] = Counts()
        self._producer: KafkaProducer | None = None
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
        """Queue one event. Returns at once; when the queue is full the oldest waiting event is dropped and counted."""
        message = _Message(str(topic), event.key.encode(), event.model_dump_json().encode(), monotonic())
        dropped: _Message | None = message
        with self._changed:
            if not self._closing:
                full = len(self._queue) >= self._queue_size
                dropped = self._queue.popleft() if full else None
                self._queue.append(message)
                PENDING.inc(0 if full else 1)
                # The thread sleeps only while there is nothing to send: the first message of a burst wakes it.
                if len(self._queue) == 1:
                    self._changed.notify_all()
        if dropped is not None:
            DROPPED.labels(dropped.topic).inc()

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is pending; false when ``timeout`` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._in_flight, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Send what is pending for up to ``timeout`` seconds, then stop."""
        self.flush(timeout)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=timeout + 1.0)

    def _run(self) -> None:
        while not self._closing:
            try:
                producer = self._producer or self._connect()
                self._hand_over(producer)
                self._unreachable = False
            except (KafkaError, OSError) as error:
                self._report(error)
                self._expire()
                self._pause()
            except Exception:
                # A defect in the client must not end the only thread that sends; what it chokes on expires.
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

    def _connect(self) -> KafkaProducer:
        ensure_topics(self._settings)
        producer = open_client(
            KafkaProducer,
            # Said explicitly: a conflicting option then raises instead of switching idempotence off silently.
            enable_idempotence=True,
            acks="all",
            delivery_timeout_ms=int(self._timeout * 1000),
            request_timeout_ms=min(10_000, int(self._timeout * 1000)),
            max_block_ms=int(_STALL_CHECK * 1000),
            # Messages that arrive together share a request; a lone one waits no longer than anybody notices.
            linger_ms=2,
            batch_size=64 * 1024,
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **connection_options(self._settings, self._client_id),
        )
        with self._changed:
            self._producer = producer
            self._last_progress = monotonic()
        log.info("kafka_producer_connected", servers=self._settings.bootstrap_servers)
        return producer

    def _disconnect(self) -> None:
        with self._changed:
            producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=0.5)
        except KafkaError:
            producer._sender.force_close()  # close() leaves its thread running when its own flush times out

    def _hand_over(self, producer: KafkaProducer) -> None:
        """Give waiting messages to the client; returns when there was nothing to give for a second."""
        message = self._take(wait=1.0)
        if message is not None:
            sleep(_GATHER)
        while message is not None:
            try:
                future = producer.send(message.topic, key=message.key, value=message.value)
            except BaseException:  # the topic is unknown, or the client is broken: the message waits at the head
                self._put_back(message)
                raise
            future.add_callback(self._acknowledged, message)
            future.add_errback(self._failed, message)
            message = self._take(wait=0.0)
        self._report_failures()
        self._look_after_stall()

    def _take(self, wait: float) -> _Message | None:
        with self._changed:
            ready = self._changed.wait_for(lambda: self._closing or self._may_take(), wait)
            if not ready or not self._may_take():
                return None
            if not self._in_flight:
                self._last_progress = monotonic()
            self._in_flight += 1
            return self._queue.popleft()

    def _may_take(self) -> bool:
        return bool(self._queue) and self._in_flight < _MAX_IN_FLIGHT

    def _put_back(self, message: _Message) -> None:
        with self._changed:
            self._in_flight -= 1
            self._queue.appendleft(message)

    def _acknowledged(self, message: _Message, _: object) -> None:
        SENT.labels(message.topic).inc()
        with self._changed:
            self._last_progress = monotonic()
        self._settle()

    def _failed(self, message: _Message, error: BaseException) -> None:
        again = isinstance(error, _NUMBERING_ERRORS) and monotonic() - message.queued_at < self._timeout
        if not again:
            FAILED.labels(message.topic).inc()
        with self._changed:
            if again:
                insort(self._queue, message, key=lambda other: other.queued_at)
                PENDING.inc()
            else:
                self._failures[f"{message.topic}: {error}"] += 1
        self._settle()

    def _settle(self) -> None:
        PENDING.dec()
        with self._changed:
            self._in_flight -= 1
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
