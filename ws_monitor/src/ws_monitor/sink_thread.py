"""The sink's thread, and its share of Kafka."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata
from stock_kit.kafka_clients import ensure_topics, open_consumer, poll
from stock_kit.logging import get_logger
from stock_kit.server_settings import KafkaSettings

from ws_monitor import metrics
from ws_monitor.decoding import MODELS
from ws_monitor.reader import in_order, to_record
from ws_monitor.records import Place, Record
from ws_monitor.sink import Sink

log = get_logger(__name__)

GROUP = "ws-sink"
_RETRY = 1.0
_COMMIT_MS = 5_000
_CLOSE_MS = 3_000
# How often the broker is asked where the log ends, and how long its answer is waited for.
_LAG_INTERVAL = 5.0
_LAG_MS = 1_000


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Knows whether the group has given this replica its share, which may be empty."""

    def __init__(self) -> None:
        self.joined = threading.Event()
        self.generation = 0

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.joined.set()
        self.generation += 1
        log.info("sink_partitions_assigned", partitions=len(assigned))

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.joined.clear()
        log.info("sink_partitions_revoked", partitions=len(revoked))


class KafkaGroupLog:
    """A :class:`ws_monitor.sink.GroupLog` on a consumer group, of which this is the member named ``member``.

    Raises:
        KafkaError: the broker does not answer.
    """

    def __init__(self, settings: KafkaSettings, member: str, group_id: str = GROUP) -> None:
        ensure_topics(settings)
        self._consumer = open_consumer(settings, client_id="ws-sink", group_id=group_id, member=member)
        self._membership = _Membership()
        self._consumer.subscribe(list(MODELS), listener=self._membership)
        # Know the partitions before joining: kafka-python joins a second time when it learns of them afterwards.
        self._consumer.topics()
        self._lag_due = monotonic() + _LAG_INTERVAL

    @property
    def joined(self) -> bool:
        return self._membership.joined.is_set()

    @property
    def generation(self) -> int:
        return self._membership.generation

    def poll(self, timeout: float, *, hold: bool) -> list[Record]:
        # Polling goes on while held: a member that does not poll loses its partitions.
        paused = self._consumer.paused()
        if hold:
            self._consumer.pause(*(self._consumer.assignment() - paused))
        elif paused:
            self._consumer.resume(*paused)
        batches = poll(self._consumer, timeout)
        if monotonic() >= self._lag_due:
            self._lag_due = monotonic() + _LAG_INTERVAL
            self._measure_lag()
        return in_order([to_record(message) for message in messages] for messages in batches)

    def _measure_lag(self) -> None:
        """Asks for the ends instead of taking those of the last fetch: while the sink rests it fetches nothing."""
        assigned = list(self._consumer.assignment())
        # A broker that is away, or a partition that is gone, is noticed where it matters.
        with suppress(KafkaError, KeyError):
            ends = self._consumer.end_offsets(assigned, timeout_ms=_LAG_MS) if assigned else {}
            read = {handle: self._consumer.position(handle, timeout_ms=_LAG_MS) for handle in assigned}
            behind = (max(0, end - read[handle]) for handle, end in ends.items() if read[handle] is not None)
            metrics.SINK_LAG.set(sum(behind))

    def commit(self, positions: Mapping[Place, int]) -> bool:
        offsets = {TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in positions.items()}
        try:
            self._consumer.commit(offsets, timeout_ms=_COMMIT_MS)
        except KafkaError as error:
            log.warning("sink_commit_failed", error=str(error) or type(error).__name__)
            return False
        return True

    def close(self) -> None:
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)


class SinkThread:
    """Steps the sink for ever; a consumer that fails is replaced by a new one, and the sink's batch stays."""

    def __init__(self, sink: Sink, settings: KafkaSettings, member: str) -> None:
        self._sink = sink
        self._settings = settings
        self._member = member
        self._stop = threading.Event()
        self._log: KafkaGroupLog | None = None
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def check(self) -> None:
        """For readiness.

        Raises:
            ConnectionError: no partitions were handed to this replica's sink.
        """
        if self._log is None or not self._log.joined:
            raise ConnectionError(f"not a member of the consumer group {GROUP} yet")

    def _run(self) -> None:
        reported = False
        while not self._stop.is_set():
            try:
                self._work()
                reported = False
            except (KafkaError, OSError) as error:
                if not reported:
                    log.warning("sink_lost_kafka", error=str(error) or type(error).__name__)
                reported = True
            except Exception:
                log.exception("sink_error")
            self._stop.wait(_RETRY)

    def _work(self) -> None:
        self._log = KafkaGroupLog(self._settings, self._member)
        try:
            while not self._stop.is_set():
                self._sink.step(self._log)
            self._sink.flush(self._log)
        finally:
            self._log.close()
            self._log = None
