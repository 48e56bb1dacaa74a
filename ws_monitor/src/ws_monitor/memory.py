"""Twins of the outside systems that keep everything in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stock_kit.events import Event, Topic

from ws_monitor.records import Place, Record
from ws_monitor.store import TABLES, RowsRefusedError


class MemoryLog:
    """A log of one consumer group. Time is counted in messages: each is stamped a second after the one before."""

    def __init__(self, first_stamp_ms: int = 1_000) -> None:
        self.records: list[Record] = []
        self.committed: dict[Place, int] = {}
        self.refuse_commits = False
        self.generation = 1
        self._unread: list[Record] = []
        self._stamp_ms = first_stamp_ms

    def append(self, topic: Topic, value: Event | bytes, partition: int = 0) -> Record:
        offset = sum(1 for record in self.records if (record.topic, record.partition) == (topic, partition))
        encoded = value if isinstance(value, bytes) else value.model_dump_json().encode()
        record = Record(str(topic), partition, offset, self._stamp_ms, encoded)
        self._stamp_ms += 1_000
        self.records.append(record)
        self._unread.append(record)
        return record

    def rewind(self) -> None:
        """What happens when the group hands its partitions out anew: reading goes on after what was committed."""
        self._unread = [
            record
            for record in self.records
            if record.offset >= self.committed.get(Place(record.topic, record.partition), 0)
        ]

    def poll(self, timeout: float, *, hold: bool) -> list[Record]:  # noqa: ARG002  there is nothing to wait for
        if hold:
            return []
        records, self._unread = self._unread, []
        return records

    def commit(self, positions: Mapping[Place, int]) -> bool:
        if not self.refuse_commits:
            self.committed.update(positions)
        return not self.refuse_commits


class MemoryStore:
    """Keeps one event per id, as ClickHouse does once it has merged."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.inserts: list[int] = []
        self.failure: Exception | None = None
        self.refused: set[str] = set()

    def insert(self, events: Sequence[Event]) -> None:
        self.ping()
        if any(event.identity in self.refused for event in events):
            raise RowsRefusedError("a value does not fit its column")
        self.inserts.append(len(events))
        self.events |= {event.identity: event for event in events}

    def newest(self, model: type[Event], limit: int) -> list[Event]:
        self.ping()
        events = [event for event in self.events.values() if type(event) is model]
        return sorted(events, key=lambda event: event.occurred_at)[-limit:]

    def ping(self) -> None:
        if self.failure is not None:
            raise self.failure

    def of(self, model: type[Event]) -> list[Event]:
        """Everything stored of one type."""
        return self.newest(model, len(self.events)) if model in TABLES else []


class MemoryOutlet:
    """Takes what would go to Kafka."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Event]] = []
        self.delivers = True

    def send(self, topic: str, event: Event) -> None:
        self.sent.append((topic, event))

    def flush(self, timeout: float) -> bool:  # noqa: ARG002  there is nothing to wait for
        return self.delivers
