"""From the log to ClickHouse: batches, idempotent by id, offsets committed after the write.

One consumer group over all replicas, so each event is written, and inspected by the detectors, by one of them. Nothing
is lost when ClickHouse is away (reading rests), when the broker is (the outbox sends again), or when this process dies
between write and commit (the event is written again and replaces itself). What the detectors see goes to the alert desk
as signals, before the commit too: a detector that begins anew would not see it again in one event, and the desk may
hear the same twice. Alerts come back from it as events like any other.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import NamedTuple, Protocol

from pydantic import ValidationError
from stock_kit.events import Event, SignalEvent, Topic
from stock_kit.logging import get_logger
from stock_kit.service_settings import WsMonitorSettings

from ws_monitor import metrics
from ws_monitor.decoding import decode
from ws_monitor.detectors.registry import Detectors
from ws_monitor.records import Place, Record
from ws_monitor.store import TABLES, EventStore, RowsRefusedError

log = get_logger(__name__)

_LONGEST_POLL = 0.2
_FIRST_RETRY = 0.5
_LONGEST_RETRY = 5.0
_DEAD_LETTERS = 100
# How long a commit waits for the broker to have the signals.
_SAYING = 2.0
_SHOWN_BYTES = 500


class GroupLog(Protocol):
    """This replica's share of the log."""

    @property
    def generation(self) -> int:
        """Another number whenever the group has handed the partitions out anew."""

    def poll(self, timeout: float, *, hold: bool) -> list[Record]:
        """Wait up to ``timeout`` seconds for records; with ``hold`` keep the partitions but return nothing new."""

    def commit(self, positions: Mapping[Place, int]) -> bool:
        """Never read again what lies before these offsets; false when the broker did not take it."""


class SignalOutlet(Protocol):
    """Where signals go; an ``EventProducer``."""

    def send(self, topic: str, event: Event) -> None: ...

    def flush(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until the broker has everything; whether it has."""
        ...


class DeadLetter(NamedTuple):
    """A message, or a row, that nobody can use."""

    where: str
    reason: str
    value: str


class Sink:
    """Call :meth:`step` for ever from one thread.

    When the group hands partitions out anew, what is in the batch is written all the same: whoever reads it again
    writes the same rows again. So nothing has to happen at that moment, and no offset is committed unwritten.
    """

    def __init__(
        self,
        store: EventStore,
        signals: SignalOutlet,
        settings: WsMonitorSettings,
        detectors: Detectors | None = None,
    ) -> None:
        self._store = store
        self._outlet = signals
        self._batch = settings.sink_batch
        self._interval = settings.sink_interval.total_seconds()
        self._detectors = detectors or Detectors()
        self._rows: dict[str, Event] = {}
        self._signals: list[SignalEvent] = []
        self._positions: dict[Place, int] = {}
        self._oldest: float | None = None
        self._generation = 0
        self._retry_at = 0.0
        self._retry_wait = _FIRST_RETRY
        self.paused = False
        for table in TABLES.values():
            metrics.SINK_REFUSED.labels(table)
        self.dead_letters: deque[DeadLetter] = deque(maxlen=_DEAD_LETTERS)

    def step(self, group_log: GroupLog) -> None:
        """Read for a moment; write when the batch is full or old enough."""
        records = group_log.poll(self._wait(), hold=self.paused)
        if group_log.generation != self._generation:
            self._generation = group_log.generation
            self._detectors.forget()
        for record in records:
            self._take(record)
        for topic, count in Counter(record.topic for record in records).items():
            metrics.CONSUMED.labels("sink", topic).inc(count)
        metrics.SINK_WAITING.set(len(self._rows))
        if self._due():
            self.flush(group_log)

    def flush(self, group_log: GroupLog) -> bool:
        """Write everything read so far, say what was seen in it, and commit; false when the store did not take it."""
        try:
            self._write()
        except Exception as error:  # noqa: BLE001  whatever the driver raises: wait, keep the rows, try again
            self._rest(error)
            return False
        self._wake()
        for signal in self._signals:
            self._outlet.send(Topic.SIGNALS, signal)
        self._signals = []
        # What is not committed now is with the next batch.
        if self._outlet.flush(_SAYING) and group_log.commit(self._positions):
            self._positions = {}
        self._oldest = None
        metrics.SINK_WAITING.set(0)
        return True

    def _wait(self) -> float:
        if self.paused:
            return max(0.0, min(_LONGEST_POLL, self._retry_at - monotonic()))
        if self._oldest is None:
            return _LONGEST_POLL
        return max(0.0, min(_LONGEST_POLL, self._oldest + self._interval - monotonic()))

    def _due(self) -> bool:
        if self.paused:
            return monotonic() >= self._retry_at
        return len(self._rows) >= self._batch or (
            self._oldest is not None and monotonic() - self._oldest >= self._interval
        )

    def _take(self, record: Record) -> None:
        self._positions[Place(record.topic, record.partition)] = record.offset + 1
        self._oldest = self._oldest if self._oldest is not None else monotonic()
        try:
            event = decode(record)
        except ValidationError as error:
            self._bury(record, error)
            return
        if type(event) in TABLES:
            self._keep(event, record.topic)
        self._signals += self._detectors.inspect(event)

    def _keep(self, event: Event, topic: str) -> None:
        # A prediction that comes again later is written again: it comes because ClickHouse does not have it.
        identity = event.identity  # made anew each time
        if identity in self._rows:
            metrics.DUPLICATES.labels("sink", topic).inc()
            return
        self._rows[identity] = event

    def _write(self) -> None:
        for model, table in TABLES.items():
            rows = {identity: event for identity, event in self._rows.items() if type(event) is model}
            if rows:
                self._insert(table, list(rows.values()))
            for identity in rows:
                del self._rows[identity]

    def _insert(self, table: str, events: Sequence[Event]) -> None:
        """Insert; a row that no attempt can store is taken out so that the others get through."""
        try:
            with metrics.SINK_SECONDS.time():
                self._store.insert(events)
            metrics.SINK_ROWS.labels(table).inc(len(events))
        except RowsRefusedError as error:
            if len(events) > 1:
                middle = len(events) // 2
                self._insert(table, events[:middle])
                self._insert(table, events[middle:])
                return
            metrics.SINK_REFUSED.labels(table).inc()
            self._dead_letter(DeadLetter(table, str(error), events[0].model_dump_json()[:_SHOWN_BYTES]))

    def _rest(self, error: Exception) -> None:
        metrics.SINK_ERRORS.inc()
        if not self.paused:
            log.warning("sink_paused", error=str(error)[:_SHOWN_BYTES], waiting=len(self._rows))
            self._retry_wait = _FIRST_RETRY
        self.paused = True
        metrics.SINK_PAUSED.set(1)
        self._retry_at = monotonic() + self._retry_wait
        self._retry_wait = min(self._retry_wait * 2, _LONGEST_RETRY)

    def _wake(self) -> None:
        if self.paused:
            log.info("sink_resumed")
        self.paused = False
        metrics.SINK_PAUSED.set(0)

    def _bury(self, record: Record, error: ValidationError) -> None:
        metrics.MALFORMED.labels("sink", record.topic).inc()
        where = f"{record.topic}/{record.partition}@{record.offset}"
        first = error.errors(include_url=False, include_input=False)[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'message'}: {first['msg']}"
        self._dead_letter(DeadLetter(where, reason, record.value[:_SHOWN_BYTES].decode(errors="replace")))

    def _dead_letter(self, letter: DeadLetter) -> None:
        self.dead_letters.append(letter)
        log.error("dead_letter", where=letter.where, reason=letter.reason, value=letter.value)
