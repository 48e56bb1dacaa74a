"""The topic of signals, read by one process at a time.

The reader holds every partition (whoever may read holds a lock, so no group has to be put together) and commits how far
it has come, which the next one begins from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Generic, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata
from pydantic import ValidationError
from stock_kit.clock import wall_now
from stock_kit.events import SignalEvent, Topic
from stock_kit.kafka_clients import ensure_topics, open_consumer, poll
from stock_kit.logging import get_logger
from stock_kit.server_settings import KafkaSettings

log = get_logger(__name__)

GROUP = "alert-desk"

Partition = TypeVar("Partition")
# How often it is made sure that the broker answers and still has what was read from it.
_CHECK_INTERVAL = 5.0
_ANSWER_MS = 3_000


class Heard(Generic[Partition]):
    """Until when all that was said has been read, also while more is said all the time: where the log ended at some
    moment is a mark, and once all before it is read that moment counts, and the next mark is set."""

    def __init__(self) -> None:
        self.until: datetime | None = None
        """Aware; None: no mark was reached yet."""
        self._mark: tuple[datetime, Mapping[Partition, int]] | None = None

    def ends(self, at: datetime, ends: Mapping[Partition, int]) -> None:
        """The log ended there at ``at``, or later. A mark that is not reached yet stands: one that was moved on at
        every look would never be."""
        self._mark = self._mark or (at, ends)

    def read(self, positions: Callable[[Partition], int]) -> None:
        """Everything before these positions was read."""
        if self._mark is not None and all(positions(part) >= end for part, end in self._mark[1].items()):
            self.until, self._mark = self._mark[0], None

    def restart(self) -> None:
        """The log lost what the mark was set by."""
        self._mark = None


class SignalLog:
    """Open from its construction on; not thread-safe.

    Raises:
        kafka.errors.KafkaError: any method, when the broker does not answer or came back without what was read. Open
            another one then.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        ensure_topics(settings)
        self._consumer: KafkaConsumer = open_consumer(settings, client_id="alert-desk", group_id=GROUP)
        try:
            numbers = self._consumer.partitions_for_topic(Topic.SIGNALS.value)
            if not numbers:
                raise KafkaError(f"the broker lists no partition of {Topic.SIGNALS} yet")
            self._partitions = [TopicPartition(Topic.SIGNALS.value, number) for number in numbers]
            self._consumer.assign(self._partitions)
            self._next_check = 0.0
            self._heard: Heard[TopicPartition] = Heard()
            self._check()
        except BaseException:
            self.close()
            raise

    @property
    def heard_until(self) -> datetime | None:
        """All that was said until then (aware) was polled; None: nobody knows yet."""
        return self._heard.until

    def poll(self, timeout: float) -> list[SignalEvent]:
        """What came within ``timeout`` seconds, in the order of each partition."""
        if monotonic() >= self._next_check:
            self._check()
        self._heard.read(self._position)
        messages = [message for batch in poll(self._consumer, timeout) for message in batch]
        return [signal for message in messages if (signal := _decode(message.value)) is not None]

    def commit(self) -> None:
        """The next reader begins after what was polled."""
        positions = {part: OffsetAndMetadata(self._consumer.position(part), "", -1) for part in self._partitions}
        self._consumer.commit(positions, timeout_ms=_ANSWER_MS)

    def close(self) -> None:
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=_ANSWER_MS)

    def _check(self) -> None:
        self._next_check = monotonic() + _CHECK_INTERVAL
        at = wall_now()
        try:
            ends = self._consumer.end_offsets(self._partitions, timeout_ms=_ANSWER_MS)
        except KeyError as error:  # kafka-python's answer to a partition that is gone
            raise KafkaError(f"{Topic.SIGNALS} has lost a partition") from error
        for partition in self._partitions:
            # A broker that lost its log has fewer messages than were read from it; what it has now is all new.
            if self._position(partition) > ends[partition]:
                log.warning("signal_log_restarted", partition=partition.partition)
                self._consumer.seek_to_beginning(partition)
                self._heard.restart()
        self._heard.ends(at, ends)

    def _position(self, partition: TopicPartition) -> int:
        position: int = self._consumer.position(partition, timeout_ms=_ANSWER_MS)
        return position


def _decode(value: bytes | None) -> SignalEvent | None:
    try:
        return SignalEvent.model_validate_json(value or b"")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        log.error("signal_unreadable", field=".".join(map(str, first["loc"])), reason=first["msg"])
        return None
