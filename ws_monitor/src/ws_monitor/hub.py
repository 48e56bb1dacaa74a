"""From the log to the clients: what arrives within the frame interval is encoded once and offered to each of them.

Everything here runs on the event loop; the reader's thread hands its records over with ``call_soon_threadsafe``.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from stock_kit.clock import wall_now
from stock_kit.events import Event
from stock_kit.service_settings import WsMonitorSettings

from ws_monitor import metrics
from ws_monitor.channel import CHANNELS, Channel, Item, Keys, select
from ws_monitor.client import Client
from ws_monitor.frames import (
    ChannelName,
    GapReason,
    Kind,
    Outgoing,
    encode_frame,
    encode_frames,
    encode_gap,
    parse_cursor,
)
from ws_monitor.records import Place, Record


class Broadcaster:
    """One channel with its clients."""

    def __init__(self, channel: Channel, settings: WsMonitorSettings) -> None:
        self._channel = channel
        self._name = channel.spec.name
        self._interval = settings.frame_interval.total_seconds()
        self._client_limit = settings.client_queue
        self._clients: set[Client] = set()
        self._pending: list[Item] = []
        self._cursor_before = channel.cursor
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_watched(self) -> bool:
        return bool(self._clients)

    def start_at(self, starts: Mapping[int, int]) -> None:
        self.flush()
        if self._channel.start_at(starts):
            self._tell_reset()
        self._cursor_before = self._channel.cursor

    def receive(self, record: Record) -> None:
        item = self._channel.add(record)
        if item is not None:
            self._pending.append(item)
            self._schedule()

    def restore(self, events: Iterable[Event]) -> None:
        self._channel.restore(events)

    def join(self, since: str | None, keys: Keys) -> Client:
        """A new client, its first frames waiting in its queue."""
        self.flush()
        client = Client(self._name, keys, self._client_limit)
        if since:
            self._resume(client, since)
        else:
            self._offer_snapshot(client)
        self._clients.add(client)
        metrics.CLIENTS.labels(self._name).set(len(self._clients))
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)
        metrics.CLIENTS.labels(self._name).set(len(self._clients))

    def choose(self, client: Client, keys: Keys) -> None:
        """From now on ``client`` gets what has these keys, beginning with a snapshot."""
        self.flush()
        client.keys = keys
        self._offer_snapshot(client)

    def ping(self, clients: Iterable[Client] | None = None) -> None:
        """Show these clients (default: all) that the line is alive; one with frames waiting will see it anyway."""
        self.flush()
        frame = encode_frame(self._name, Kind.PING, self._channel.cursor)
        for client in self._clients if clients is None else clients:
            if client.idle:
                client.offer(frame)

    def flush(self) -> None:
        """Encode what is pending, once per set of keys asked for, and offer it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            return
        items, self._pending = self._pending, []
        for keys, clients in self._groups().items():
            self._offer_update(select(items, keys), clients)
        self._cursor_before = self._channel.cursor
        if self._clients:
            self._observe(items)

    def _groups(self) -> Mapping[Keys, list[Client]]:
        groups: dict[Keys, list[Client]] = defaultdict(list)
        for client in self._clients:
            groups[client.keys].append(client)
        return groups

    def _offer_update(self, items: Sequence[Item], clients: Sequence[Client]) -> None:
        if not items:
            return
        common = self._updates(items)
        for client in clients:
            frames = common
            if client.already_seen:
                news = [item for item in items if client.sees(item)]
                frames = self._updates(news) if news else []
            for frame in frames:
                client.offer(frame)

    def _updates(self, items: Sequence[Item]) -> list[Outgoing]:
        bodies = [item.body for item in items]
        after = self._channel.cursor
        return encode_frames(self._name, Kind.UPDATE, bodies, before=self._cursor_before, after=after)

    def _resume(self, client: Client, since: str) -> None:
        cursor = parse_cursor(since)
        resumed = self._channel.resume(cursor, client.keys) if cursor is not None else None
        if resumed is None or resumed.gap is not None:
            reason = GapReason.HISTORY if resumed is None or resumed.gap is None else resumed.gap
            self._offer_gap(client, reason, resumed.lost if resumed else None)
            return
        client.already_seen = resumed.already_seen
        bodies = [item.body for item in resumed.items]
        after = self._channel.cursor
        for frame in encode_frames(self._name, Kind.UPDATE, bodies, before=since, after=after):
            client.offer(frame)

    def _offer_gap(self, client: Client, reason: GapReason, lost: int | None) -> None:
        metrics.GAPS.labels(self._name, reason).inc()
        client.offer(encode_gap(self._name, "", reason, lost))
        self._offer_snapshot(client)

    def _offer_snapshot(self, client: Client) -> None:
        bodies = [item.body for item in self._channel.snapshot(client.keys)]
        for frame in encode_frames(self._name, Kind.SNAPSHOT, bodies, before="", after=self._channel.cursor):
            client.offer(frame)

    def _tell_reset(self) -> None:
        for client in self._clients:
            client.already_seen = {}
            self._offer_gap(client, GapReason.LOG_RESET, None)

    def _schedule(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self.flush)

    def _observe(self, items: Sequence[Item]) -> None:
        metrics.MESSAGES.labels(self._name).inc(len(items))
        now = wall_now()
        delivery = metrics.DELIVERY_SECONDS.labels(self._name)
        for item in items:
            delivery.observe(max(0.0, (now - item.occurred_at).total_seconds()))


class Hub:
    """All channels of this replica."""

    def __init__(self, settings: WsMonitorSettings) -> None:
        self._by_name = {
            name: Broadcaster(Channel(spec, settings.history), settings) for name, spec in CHANNELS.items()
        }
        self._by_topic = {str(spec.topic): self._by_name[name] for name, spec in CHANNELS.items()}
        self._expected = 0
        self.loaded = asyncio.Event()
        """Set once the history was read, or there is none to read; cleared when nobody is there to read it for."""

    def __getitem__(self, name: ChannelName) -> Broadcaster:
        return self._by_name[name]

    def start_at(self, starts: Mapping[Place, int]) -> None:
        """See :meth:`ws_monitor.reader.Target.start_at`."""
        for topic, broadcaster in self._by_topic.items():
            broadcaster.start_at({place.partition: offset for place, offset in starts.items() if place.topic == topic})

    def receive(self, records: Sequence[Record]) -> None:
        """Records in the order in which they should appear, those of a partition by offset."""
        for record in records:
            self._by_topic[record.topic].receive(record)

    @property
    def is_watched(self) -> bool:
        """Whether any client is there, or about to be."""
        return self._expected > 0 or any(broadcaster.is_watched for broadcaster in self._by_name.values())

    async def prepare(self, patience: float) -> None:
        """For a client that is about to join: wait, ``patience`` seconds at most, until the history was read."""
        self._expected += 1
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.loaded.wait(), patience)
        finally:
            self._expected -= 1

    def restore(self, name: ChannelName, events: Sequence[Event]) -> None:
        self._by_name[name].restore(events)

    def ping(self) -> None:
        for broadcaster in self._by_name.values():
            broadcaster.ping()

    def flush(self) -> None:
        for broadcaster in self._by_name.values():
            broadcaster.flush()
