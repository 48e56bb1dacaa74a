"""Clients of Kafka that all services open alike: connections, topics, consumers.

The broker may be down when a service starts, may be restarted, and may come back without its topics (the local
profile's broker is not durable). Whoever uses these tries again; what sends events is :mod:`stock_kit.kafka`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from time import monotonic, sleep
from typing import Any, TypeVar

from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import InvalidPartitionsError, TopicAlreadyExistsError
from kafka.net.compat import KafkaNetClient

from stock_kit.events import Topic
from stock_kit.logging import get_logger
from stock_kit.server_settings import KafkaSettings

log = get_logger(__name__)
# The libraries write some thirty lines a second while a broker is down; ours are one per outage.
for _part in ("net", "cluster", "consumer", "coordinator", "librdkafka"):
    logging.getLogger(f"kafka.{_part}").setLevel(logging.CRITICAL)

_BOOTSTRAP_MS = 5_000
# The library's own default of 30 s would leave a service half a minute behind a broker that is back.
_RECONNECT_MAX_MS = 1_000
# Short, so that topics which vanished and were created again are noticed soon.
_METADATA_MAX_AGE_MS = 10_000
_POLL_MS = 1
POLL_PAUSE = 0.1
_JOIN_MS = 10_000
# Seconds of predictions at full load, and of every other topic all that a service which starts reads back. What a
# consumer misses is sent again (the outbox) or comes anew (metrics, signals).
# Apache Kafka allows no smaller segments.
_SMALL_LOG = {"retention.ms": "120000", "retention.bytes": str(2 * 1024 * 1024), "segment.bytes": str(1024 * 1024)}

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


def open_client(factory: Callable[..., _T], **options: Any) -> _T:
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
    admin = open_client(KafkaAdminClient, **connection_options(settings, "stock-topics"))
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
            spec: dict[str, Any] = {
                "num_partitions": settings.partitions,
                "replication_factor": settings.replication_factor,
                "configs": _SMALL_LOG if settings.small_logs else {},
            }
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
    return open_client(
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


def producer_options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """The configuration of librdkafka, which sends in threads that need no interpreter."""
    timeout_ms = int(settings.delivery_timeout.total_seconds() * 1000)
    options: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": client_id,
        "security.protocol": settings.security_protocol,
        # A broker that is back is found soon.
        "reconnect.backoff.max.ms": _RECONNECT_MAX_MS,
        "topic.metadata.refresh.interval.ms": _METADATA_MAX_AGE_MS,
        # A broker that lost its topics would make them anew with one partition each.
        "allow.auto.create.topics": False,
        # Said explicitly: a conflicting option then raises instead of switching idempotence off silently.
        "enable.idempotence": True,
        "acks": "all",
        "delivery.timeout.ms": timeout_ms,
        "request.timeout.ms": min(10_000, timeout_ms),
        # Messages that arrive together share a request; a lone one waits no longer than anybody notices.
        "linger.ms": 10,
        # As every other client does it, so that a key keeps its partition whoever sends it.
        "partitioner": "murmur2_random",
    }
    if settings.sasl_mechanism:
        options |= {
            "sasl.mechanism": settings.sasl_mechanism,
            "sasl.username": settings.sasl_username,
            "sasl.password": settings.sasl_password.get_secret_value(),
        }
    return options


def open_producer(settings: KafkaSettings, client_id: str) -> Producer:
    """It connects in the background, and again after each outage. Its topics have to be there."""
    return Producer(producer_options(settings, client_id), logger=logging.getLogger("kafka.librdkafka"))


def poll(consumer: KafkaConsumer, timeout: float, pause: float = POLL_PAUSE) -> list[list[ConsumerRecord]]:
    """Messages that arrived within ``timeout`` seconds, one list per partition that has any.

    A member of a group that is being put together waits for that first, which may take longer.

    A broker should hold an empty answer back for a while; the local profile's does not, and the client would then ask
    again without a pause, all day. So it is asked for a moment at a time, with pauses that nobody notices, which costs
    2 % of a core at the default. A message waits for up to two of them: one before it is asked for, and one before the
    answer is looked at.
    """
    deadline = monotonic() + timeout
    while True:
        _join_group(consumer)
        batches = list(consumer.poll(timeout_ms=_POLL_MS).values())
        left = deadline - monotonic()
        if batches or left <= 0:
            return batches
        sleep(min(pause, left))


def _join_group(consumer: KafkaConsumer) -> None:
    """Wait until the group has let this member in, if it is not.

    kafka-python (3.0.12) forgets that it was let in when the answer comes between two polls: it finds the finished task
    of its last attempt and begins another, upon which the whole group starts over, and again. One long wait of its
    coordinator leaves no such moment.
    """
    coordinator = consumer._coordinator
    if coordinator.group_id is not None and coordinator.need_rejoin():
        coordinator.poll(timeout_ms=_JOIN_MS)
