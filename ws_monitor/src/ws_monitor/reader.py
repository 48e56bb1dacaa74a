"""Follows every partition of every topic, without a group, so that each replica pushes everything.

A thread of its own: the Kafka client blocks. What it reads goes to a :class:`Target` in the order in which the broker
took it in. While nobody looks it rests, and reads what the log holds by then when somebody comes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError
from stock_kit.kafka_clients import POLL_PAUSE, ensure_topics, open_consumer, poll
from stock_kit.logging import get_logger
from stock_kit.server_settings import KafkaSettings

from ws_monitor import metrics
from ws_monitor.channel import CHANNELS
from ws_monitor.records import Place, Record

log = get_logger(__name__)

_TOPICS = [str(spec.topic) for spec in CHANNELS.values()]
_POLL = 0.2
# While somebody is looking: where one message came more are to be expected; 7 % of a core while they do.
_BUSY_PAUSE = 0.02
_BUSY_SECONDS = 1.0
_RETRY = 1.0
# Longer than a page takes to be loaded again, or to come back after its network was away for a moment.
_REST_AFTER = 30.0
_REST_POLL = 0.05
# How often it is made sure that the broker answers and that the topics still have the partitions being read.
_CHECK_INTERVAL = 3.0
_ANSWER_MS = 3_000


class LogRestartedError(KafkaError):  # type: ignore[misc]  # the library has no types
    """The broker came back without the messages that were read from it."""


class Target(Protocol):
    """Takes what the reader reads; called from the reader's thread."""

    def start_at(self, starts: Mapping[Place, int]) -> None:
        """Reading of these partitions begins at these offsets; lower ones than before: the log started over."""

    def receive(self, records: Sequence[Record]) -> None: ...

    def caught_up(self) -> None:
        """What the log holds was delivered; also called when the broker does not answer, so that nobody waits."""

    def rest(self) -> None:
        """Until it is caught up again nothing is delivered."""

    def is_watched(self) -> bool:
        """Whether somebody waits for what comes, or for what the log holds."""


def to_record(message: ConsumerRecord) -> Record:
    return Record(message.topic, message.partition, message.offset, message.timestamp, message.value or b"")


def in_order(batches: Iterable[Sequence[Record]]) -> list[Record]:
    """Merge the batches of several partitions by time; inside a partition the order of offsets stands."""
    several = [batch for batch in batches if batch]
    if len(several) == 1:
        return list(several[0])
    stamped = []
    for batch in several:
        newest = 0
        for record in batch:
            newest = max(newest, record.timestamp_ms)
            stamped.append((newest, record))
    return [record for _, record in sorted(stamped, key=lambda pair: pair[0])]


class LogReader:
    """Reads from ``history`` messages before the end of each partition on, starts over whenever the broker was away,
    and rests when nobody has looked for ``rest_after`` seconds."""

    def __init__(
        self, settings: KafkaSettings, target: Target, *, history: int, rest_after: float = _REST_AFTER
    ) -> None:
        self._settings = settings
        self._target = target
        self._history = history
        self._rest_after = rest_after
        self._next: dict[Place, int] = {}
        self._busy_until = 0.0
        self._watched_at = 0.0
        self._resting = False
        self._stop = threading.Event()
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub-reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def check(self) -> None:
        """For readiness.

        Raises:
            ConnectionError: the log is not being followed.
        """
        if not self._connected.is_set():
            raise ConnectionError(f"not following Kafka at {self._settings.bootstrap_servers}")

    def _run(self) -> None:
        reported = False
        while not self._stop.is_set():
            try:
                self._follow()
                reported = False
            except (KafkaError, OSError) as error:
                if not reported:
                    log.warning("hub_reader_lost_kafka", error=str(error) or type(error).__name__)
                    self._target.caught_up()
                reported = True
            except Exception:
                log.exception("hub_reader_error")
            self._set_connected(False)
            self._stop.wait(_RETRY)

    def _follow(self) -> None:
        """Read until the broker is gone or the partitions are others; raises what the client raises."""
        ensure_topics(self._settings)
        consumer = open_consumer(self._settings, client_id="ws-hub")
        try:
            ends = self._assign(consumer)
            self._catch_up(consumer, ends)
            self._set_connected(True)
            log.info("hub_reader_following", partitions=len(ends))
            places = set(ends)
            while self._read(consumer, places) and self._rest(consumer, places):
                self._catch_up(consumer, self._seek(consumer, places))
        finally:
            consumer.close()

    def _assign(self, consumer: KafkaConsumer) -> dict[Place, int]:
        """Start at the right offset of every partition; returns where they end."""
        places = _partitions(consumer)
        if not places:
            raise KafkaError("the broker lists no partition of our topics yet")
        consumer.assign([TopicPartition(*place) for place in places])
        self._watched_at = monotonic()
        return self._seek(consumer, places)

    def _seek(self, consumer: KafkaConsumer, places: set[Place]) -> dict[Place, int]:
        handles = [TopicPartition(*place) for place in places]
        begins = consumer.beginning_offsets(handles, timeout_ms=_ANSWER_MS)
        ends = consumer.end_offsets(handles, timeout_ms=_ANSWER_MS)
        if any(self._next.get(Place(*handle), 0) > end for handle, end in ends.items()):
            self._next.clear()  # shorter than what was read from it: the log started over, in every partition
        starts = {Place(*handle): self._start_of(Place(*handle), begins[handle], ends[handle]) for handle in handles}
        for place, offset in starts.items():
            consumer.seek(TopicPartition(*place), offset)
        self._next = dict(starts)
        self._resting = False
        self._target.start_at(starts)
        return {Place(*handle): ends[handle] for handle in handles}

    def _start_of(self, place: Place, begin: int, end: int) -> int:
        """Where reading stood before the connection was lost; of what came while nobody looked, and at first, the
        history."""
        newest = max(begin, end - self._history)
        before = self._next.get(place)
        if before is None:
            return newest
        return max(before, newest if self._resting else begin)

    def _catch_up(self, consumer: KafkaConsumer, ends: Mapping[Place, int]) -> None:
        """Deliver what the log holds already, merged over the partitions."""
        held: dict[Place, list[Record]] = {}
        deadline = monotonic() + 10.0
        try:
            while not self._stop.is_set() and monotonic() < deadline and self._behind(ends):
                for batch in self._poll(consumer):
                    held.setdefault(Place(batch[0].topic, batch[0].partition), []).extend(batch)
        finally:  # what was read counts as read, also when the broker goes away meanwhile
            self._target.receive(in_order(held.values()))
        self._target.caught_up()

    def _behind(self, ends: Mapping[Place, int]) -> bool:
        return any(self._next[place] < end for place, end in ends.items())

    def _read(self, consumer: KafkaConsumer, places: set[Place]) -> bool:
        """Until nobody has looked for a while, which is true, or the partitions are others."""
        next_check = monotonic() + _CHECK_INTERVAL
        while not self._stop.is_set():
            batches = self._poll(consumer)
            if batches:
                self._target.receive(in_order(batches))
            now = monotonic()
            if now >= next_check:
                next_check = now + _CHECK_INTERVAL
                if not self._check(consumer, places):
                    return False
            if self._target.is_watched():
                self._watched_at = now
            elif now - self._watched_at > self._rest_after:
                return True
        return False

    def _rest(self, consumer: KafkaConsumer, places: set[Place]) -> bool:
        """Until somebody looks, which is true, or the partitions are others."""
        self._resting = True
        self._target.rest()
        next_check = monotonic()
        while not self._stop.wait(_REST_POLL):
            if self._target.is_watched():
                self._watched_at = monotonic()
                self._busy_until = self._watched_at + _BUSY_SECONDS  # somebody waits
                return True
            if monotonic() >= next_check:
                next_check = monotonic() + _CHECK_INTERVAL
                if not self._check(consumer, places):
                    return False
        return False

    def _poll(self, consumer: KafkaConsumer) -> list[list[Record]]:
        batches = []
        busy = monotonic() < self._busy_until and self._target.is_watched()
        pause = _BUSY_PAUSE if busy else POLL_PAUSE
        for messages in poll(consumer, _POLL, pause):
            records = [to_record(message) for message in messages]
            if records[0].offset < self._next[Place(records[0].topic, records[0].partition)]:
                self._next.clear()
                raise LogRestartedError(f"{records[0].topic} is at offset {records[0].offset} again")
            self._next[Place(records[0].topic, records[0].partition)] = records[-1].offset + 1
            metrics.CONSUMED.labels("hub", records[0].topic).inc(len(records))
            batches.append(records)
            self._busy_until = monotonic() + _BUSY_SECONDS
        return batches

    def _check(self, consumer: KafkaConsumer, places: set[Place]) -> bool:
        """False when the partitions are no longer those being read; raises when the broker does not answer."""
        try:
            ends = consumer.end_offsets([TopicPartition(*place) for place in places], timeout_ms=_ANSWER_MS)
        except KeyError:  # kafka-python's answer to a partition that is gone
            return False
        lags = [end - self._next[Place(*handle)] for handle, end in ends.items()]
        metrics.LAG.set(0 if self._resting else max(0, sum(lags)))
        # A lag below zero: the log is shorter than what was read from it, so it started over.
        return min(lags) >= 0 and _partitions(consumer) == places

    def _set_connected(self, connected: bool) -> None:
        metrics.READER_CONNECTED.set(connected)
        if connected:
            self._connected.set()
        else:
            self._connected.clear()


def _partitions(consumer: KafkaConsumer) -> set[Place]:
    return {Place(topic, number) for topic in _TOPICS for number in consumer.partitions_for_topic(topic)}
