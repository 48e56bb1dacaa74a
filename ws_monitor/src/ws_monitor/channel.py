"""One channel's memory: a bounded history in the broker's order, what was seen before, where each partition stands.

No I/O and no threads: the hub's event loop owns it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from stock_kit.events import AlertEvent, Event, MetricsEvent, PredictionEvent, Topic
from stock_kit.logging import get_logger

from ws_monitor import metrics
from ws_monitor.decoding import decode
from ws_monitor.frames import ChannelName, Cursor, GapReason, Position, format_cursor
from ws_monitor.records import Record

log = get_logger(__name__)

# A history of large messages (metrics: 10 KB each) is bounded by memory, not by count.
MAX_HISTORY_BYTES = 4 * 1024 * 1024
SNAPSHOT_MESSAGES = 50
# The outbox re-sends for as long as ClickHouse does not confirm; at 25 predictions/s this is a quarter of an hour.
MAX_SEEN = 20_000
# The model's inputs are kept to compute a prediction again; a page has no use for forty numbers.
_NOT_PUSHED = {"inputs"}


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """What distinguishes the channels."""

    name: ChannelName
    topic: Topic
    model: type[Event]
    newest_per_key: bool = False
    """The snapshot holds the newest message of each key instead of the newest messages."""


CHANNELS: Mapping[ChannelName, ChannelSpec] = {
    ChannelName.PREDICTIONS: ChannelSpec(ChannelName.PREDICTIONS, Topic.PREDICTIONS, PredictionEvent),
    ChannelName.METRICS: ChannelSpec(ChannelName.METRICS, Topic.METRICS, MetricsEvent, newest_per_key=True),
    ChannelName.ALERTS: ChannelSpec(ChannelName.ALERTS, Topic.ALERTS, AlertEvent),
}


class Item:
    """One message of the history. Its JSON is made once, as it goes into frames, when somebody wants it: most of what
    comes is pushed out of the history before anybody does."""

    __slots__ = ("_body", "_record", "identity", "key", "occurred_at", "offset", "partition", "size", "stamp_ms")

    def __init__(self, event: Event, identity: str, record: Record | None) -> None:
        """``record`` is what the event was read from; None: the store."""
        self.key = event.key
        self.identity = identity
        self.occurred_at = event.occurred_at
        self.partition, self.offset, self.stamp_ms = -1, -1, 0
        self._record = record
        if record is None:
            self._body = _encode(f"db:{identity}", event)
            self.size = len(self._body)
        else:
            self.partition, self.offset, self.stamp_ms = record.partition, record.offset, record.timestamp_ms
            self._body = b""
            self.size = len(record.value)

    @property
    def body(self) -> bytes:
        if self._record is not None:
            # Not the event, which would take several times the memory of its bytes.
            self._body = _encode(f"{self.partition}:{self.offset}", decode(self._record))
            self._record = None
        return self._body


def _encode(seq: str, event: Event) -> bytes:
    time = event.occurred_at.isoformat()
    # The event's own JSON, not the producer's bytes: only what the schema names reaches a browser.
    return f'{{"seq":"{seq}","time":"{time}","data":{event.model_dump_json(exclude=_NOT_PUSHED)}}}'.encode()


Keys = frozenset[str] | None
"""The keys a client wants; None wants all."""


def select(items: Iterable[Item], keys: Keys) -> list[Item]:
    return [item for item in items if keys is None or item.key in keys]


@dataclass(frozen=True, slots=True)
class Resumed:
    """How a client continues from its cursor."""

    items: Sequence[Item]
    gap: GapReason | None = None
    lost: int | None = None
    already_seen: Cursor = field(default_factory=dict)
    """Partitions of which the client has seen more than this replica has read so far."""


class Channel:
    """See the module. Records of one partition come in the order of their offsets, from where :meth:`start_at` put
    it."""

    def __init__(self, spec: ChannelSpec, history: int) -> None:
        self.spec = spec
        self._limit = history
        self._history: deque[Item] = deque()
        self._held: set[str] = set()
        self._bytes = 0
        self._restored: list[Item] = []
        self._positions: dict[int, Position] = {}
        # The offset per partition from which on the history is complete.
        self._floors: dict[int, int] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def cursor(self) -> str:
        return format_cursor(self._positions)

    def start_at(self, starts: Mapping[int, int]) -> bool:
        """Reading of these partitions begins at these offsets; true when the log started over, as offsets before the
        ones already read can only mean."""
        known = self._positions
        restarted = any(
            partition in known and offset < known[partition].next_offset for partition, offset in starts.items()
        )
        if restarted:
            self._forget_log()
        for partition, offset in starts.items():
            if restarted or partition not in known or offset > known[partition].next_offset:
                self._positions[partition] = Position(offset, 0)
                self._floors[partition] = offset
        return restarted

    def add(self, record: Record) -> Item | None:
        """Take in one record; returns it as an item when it is new."""
        self._floors.setdefault(record.partition, record.offset)
        self._positions[record.partition] = Position(record.offset + 1, record.timestamp_ms)
        event = self._decode(record)
        if event is None:
            return None
        identity = event.identity  # made anew each time
        is_new = self._first_seen(identity)
        if not is_new:
            metrics.DUPLICATES.labels("hub", record.topic).inc()
        if identity in self._held:
            return None
        item = Item(event, identity, record)
        # Seen, but no longer in the history (the log started over): those who resume need it, the others have it.
        self._remember(item)
        return item if is_new else None

    def restore(self, events: Iterable[Event]) -> None:
        """Take older events, oldest first, from ClickHouse into the snapshots; those the history holds are skipped, and
        so are those that were restored before."""
        named = [(event.identity, event) for event in events]
        fresh = [(identity, event) for identity, event in named if self._first_seen(identity)]
        restored = [*self._restored, *(Item(event, identity, None) for identity, event in fresh)]
        self._restored = restored[-SNAPSHOT_MESSAGES:]

    def snapshot(self, keys: Keys) -> list[Item]:
        """The newest messages, oldest first."""
        older = [item for item in self._restored if item.identity not in self._held]
        items = select(older, keys) + select(self._history, keys)
        items.sort(key=lambda item: item.occurred_at)
        if self.spec.newest_per_key:
            newest = {item.key: item for item in items}
            return sorted(newest.values(), key=lambda item: item.occurred_at)
        return items[-SNAPSHOT_MESSAGES:]

    def resume(self, cursor: Cursor, keys: Keys) -> Resumed:
        """What a client missed that has seen everything up to ``cursor``."""
        lost = 0
        ahead: dict[int, Position] = {}
        for partition, position in self._positions.items():
            seen = cursor.get(partition, Position(self._floors[partition], 0))
            if seen.next_offset > position.next_offset:
                if seen.stamp_ms <= position.stamp_ms:
                    return Resumed([], GapReason.LOG_RESET)
                ahead[partition] = seen
            elif self._contradicts(partition, seen):
                return Resumed([], GapReason.LOG_RESET)
            lost += max(0, self._floors[partition] - seen.next_offset)
        if lost or not self._positions:
            return Resumed([], GapReason.HISTORY, lost or None)
        missed = [item for item in self._history if not _covers(cursor, item)]
        return Resumed(select(missed, keys), already_seen=ahead)

    def _contradicts(self, partition: int, seen: Position) -> bool:
        """The message before the cursor is another one than the client saw there."""
        for item in self._history:
            if item.partition == partition and item.offset == seen.next_offset - 1:
                return item.stamp_ms != seen.stamp_ms
        return False

    def _forget_log(self) -> None:
        self._restored = [*self._restored, *self._history][-SNAPSHOT_MESSAGES:]
        self._history.clear()
        self._held.clear()
        self._bytes = 0
        self._positions.clear()
        self._floors.clear()
        metrics.RESETS.labels(self.spec.name).inc()
        log.warning("kafka_log_reset", topic=self.spec.topic)

    def _decode(self, record: Record) -> Event | None:
        try:
            return decode(record)
        except ValidationError as error:
            metrics.MALFORMED.labels("hub", record.topic).inc()
            # The sink tells the operator; one line per message is enough.
            log.debug("message_malformed", partition=record.partition, offset=record.offset, error=str(error))
            return None

    def _first_seen(self, identity: str) -> bool:
        if identity in self._seen:
            return False
        self._seen[identity] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return True

    def _remember(self, item: Item) -> None:
        self._history.append(item)
        self._held.add(item.identity)
        self._bytes += item.size
        while len(self._history) > self._limit or self._bytes > MAX_HISTORY_BYTES:
            gone = self._history.popleft()
            self._held.discard(gone.identity)
            self._bytes -= gone.size
            self._floors[gone.partition] = gone.offset + 1


def _covers(cursor: Cursor, item: Item) -> bool:
    """Whether the client saw ``item``; a newer message at an old offset belongs to a log that started over."""
    seen = cursor.get(item.partition)
    return seen is not None and item.offset < seen.next_offset and item.stamp_ms <= seen.stamp_ms
