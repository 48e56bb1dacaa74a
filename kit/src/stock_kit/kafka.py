"""Kafka for every service: a producer that never gets in its caller's way, topics, and consumers with one set of rules.

The broker may be down when a service starts, may be restarted, and may come back without its topics (the local
profile's broker is not durable). Nothing here needs a restart of the service after that.
"""

from __future__ import annotations

import logging
import threading
from bisect import insort
from collections import Counter as Counts
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from time import monotonic, sleep
from typing import Any, NamedTuple, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import (
    InvalidPartitionsError,
    InvalidProducerEpochError,
    KafkaError,
    OutOfOrderSequenceNumberError,
    TopicAlreadyExistsError,
    UnknownProducerIdError,
)
from kafka.net.compat import KafkaNetClient
from prometheus_client import Counter, Gauge

from stock_kit.events import Event, Topic
from stock_kit.logging import get_logger
from stock_kit.settings import KafkaSettings

log = get_logger(__name__)
# The library writes some thirty lines a second while a broker is down; ours are one per outage.
for _part in ("net", "cluster", "consumer", "coordinator", "producer"):
    logging.getLogger(f"kafka.{_part}").setLevel(logging.CRITICAL)

SENT = Counter("stock_kafka_sent_total", "Events acknowledged by the broker", ["topic"])
FAILED = Counter("stock_kafka_failed_total", "Events given up after the delivery timeout or an error", ["topic"])
DROPPED = Counter("stock_kafka_dropped_total", "Events dropped because the producer's queue was full", ["topic"])
PENDING = Gauge("stock_kafka_pending", "Events waiting for the broker's acknowledgement")

_BOOTSTRAP_MS = 5_000
# The library's own default of 30 s would leave a service half a minute behind a broker that is back.
_RECONNECT_MAX_MS = 1_000
# Short, so that topics which vanished and were created again are noticed soon.
_METADATA_MAX_AGE_MS = 10_000
# No acknowledgement for so long: look whether the topics are still there.
_STALL_CHECK = 2.0
# Topics exist and still no acknowledgement: start over with a new producer.
_STALL_REBUILD = 12.0
_RETRY = 0.5
_POLL_MS = 1
_POLL_PAUSE = 0.1
_JOIN_MS = 10_000
# What may be handed to the client before it is acknowledged: the client itself has no bound.
_MAX_IN_FLIGHT = 5_000

# A broker that lost its memory no longer knows the producer's numbering. Nothing was written, and the client goes on
# with a new numbering, so that another attempt succeeds.
_NUMBERING_ERRORS = (OutOfOrderSequenceNumberError, UnknownProducerIdError, InvalidProducerEpochError)

_T = TypeVar("_T")


def connection_options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """The options that all clients of the library share: addresses, security, how to come back."""
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in settings.bootstrap_servers.split(",") if server.strip()],
        "client_id": client_id,
        "security_protocol": settings.security_protocol,
        "bootstrap_timeout_ms": _BOOTSTRAP_MS,
        "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
        "metadata_max_age_ms": _METADATA_MAX_AGE_MS,
    }
    if settings.sasl_mechanism:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    return options


def _open(factory: Callable[..., _T], **options: Any) -> _T:
    """Build a client; when its constructor fails, stop the I/O thread that it would leave behind."""
    opened: list[KafkaNetClient] = []

    def make_client(**config: Any) -> KafkaNetClient:
        client = KafkaNetClient(**config)
        opened.append(client)
        return client

    try:
        return factory(kafka_client=make_client, **options)
    except BaseException:
        for client in opened:
            client.close()
        raise


def ensure_topics(settings: KafkaSettings, topics: Iterable[str] = tuple(Topic)) -> list[str]:
    """Create the topics that the broker does not have; returns their names. Several services may do so at once.

    A topic with fewer partitions than wanted gets more: a broker creates it with its own default when a client asks
    for it before anybody created it.

    Raises:
        KafkaError: the broker does not answer, or refuses.
    """
    admin = _open(KafkaAdminClient, **connection_options(settings, "stock-topics"))
    try:
        partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
        created = [name for name in sorted(map(str, topics)) if _ensure_topic(admin, settings, name, partitions)]
    finally:
        admin.close()
    if created:
        log.info("kafka_topics_created", topics=created, partitions=settings.partitions)
    return created


def _ensure_topic(admin: KafkaAdminClient, settings: KafkaSettings, name: str, partitions: Mapping[str, int]) -> bool:
    """True when this call created the topic."""
    try:
        if name not in partitions:
            spec = {"num_partitions": settings.partitions, "replication_factor": settings.replication_factor}
            admin.create_topics({name: spec}, timeout_ms=_BOOTSTRAP_MS)
            return True
        if partitions[name] < settings.partitions:
            admin.create_partitions({name: settings.partitions}, timeout_ms=_BOOTSTRAP_MS)
            log.info("kafka_partitions_added", topic=name, before=partitions[name], partitions=settings.partitions)
    except (TopicAlreadyExistsError, InvalidPartitionsError):  # another service was faster
        pass
    return False


def open_consumer(
    settings: KafkaSettings, *, client_id: str, group_id: str | None = None, member: str | None = None
) -> KafkaConsumer:
    """A consumer that commits only when told to, and re-reads from the start of what the broker still has when its
    offset is gone; whoever uses it deduplicates by id. Subscribe or assign it yourself. Not thread-safe.

    ``member`` names this member of the group across restarts, so that a process that comes back, after ``kill -9`` too,
    takes its place at once. The local profile's broker waits for ever for an unnamed member that died.

    Raises:
        KafkaError: the broker does not answer.
    """
    return _open(
        KafkaConsumer,
        group_id=group_id,
        group_instance_id=member,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        # After so long without a heartbeat a replica's partitions go to others; a busy machine may miss some.
        session_timeout_ms=15_000,
        heartbeat_interval_ms=2_000,
        # Also how long a group that is put together anew waits for a member that died.
        max_poll_interval_ms=20_000,
        max_poll_records=2_000,
        # The default asks for up to 50 MB at once, which a small service would hold in memory.
        fetch_max_bytes=8 * 1024 * 1024,
        metrics_enabled=False,
        **connection_options(settings, client_id),
    )


def poll(consumer: KafkaConsumer, timeout: float) -> list[list[ConsumerRecord]]:
    """Messages that arrived within ``timeout`` seconds, one list per partition that has any.

    A member of a group that is being put together waits for that first, which may take longer.

    A broker should hold an empty answer back for a while; the local profile's does not, and the client would then ask
    again without a pause, all day. So it is asked for a moment at a time, with pauses that nobody notices.
    """
    deadline = monotonic() + timeout
    while True:
        _join_group(consumer)
        batches = list(consumer.poll(timeout_ms=_POLL_MS).values())
        left = deadline - monotonic()
        if batches or left <= 0:
            return batches
        sleep(min(_POLL_PAUSE, left))


def _join_group(consumer: KafkaConsumer) -> None:
    """Wait until the group has let this member in, if it is not.

    kafka-python (3.0.12) forgets that it was let in when the answer comes between two polls: it finds the finished task
    of its last attempt and begins another, upon which the whole group starts over, and again. One long wait of its
    coordinator leaves no such moment.
    """
    coordinator = consumer._coordinator
    if coordinator.group_id is not None and coordinator.need_rejoin():
        coordinator.poll(timeout_ms=_JOIN_MS)


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
        producer = _open(
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
