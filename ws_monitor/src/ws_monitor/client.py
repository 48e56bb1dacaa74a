"""One WebSocket client's queue: bounded, and never anybody else's problem."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

from ws_monitor import metrics
from ws_monitor.channel import Item, Keys
from ws_monitor.frames import ChannelName, Cursor, GapReason, Outgoing, encode_gap


class Client:
    """Frames wait here until the connection takes them. When more than ``limit`` messages wait, the oldest frames go,
    and a gap takes their place."""

    def __init__(self, channel: ChannelName, keys: Keys, limit: int) -> None:
        self.channel = channel
        self.keys = keys
        self.already_seen: Cursor = {}
        self._limit = limit
        self._frames: deque[Outgoing] = deque()
        self._messages = 0
        self._lost = 0
        self._lost_cursor = ""
        self._ready = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Nothing waits: the connection keeps up."""
        return not self._frames

    def offer(self, frame: Outgoing) -> None:
        self._frames.append(frame)
        self._messages += frame.messages
        while self._messages > self._limit and len(self._frames) > 1:
            self._drop(self._frames.popleft())
        self._ready.set()

    async def next_message(self) -> Mapping[str, str]:
        """The ASGI message to send next; waits for one."""
        while not self._frames and not self._lost:
            self._ready.clear()
            await self._ready.wait()
        if self._lost:
            return self._tell_gap()
        frame = self._frames.popleft()
        self._messages -= frame.messages
        return frame.asgi

    def sees(self, item: Item) -> bool:
        """Whether ``item`` is news to a client that came from a replica which was ahead of this one."""
        seen = self.already_seen.get(item.partition)
        return seen is None or item.offset >= seen.next_offset or item.stamp_ms > seen.stamp_ms

    def _drop(self, frame: Outgoing) -> None:
        self._messages -= frame.messages
        self._lost += frame.messages
        self._lost_cursor = frame.cursor
        metrics.LOST.labels(self.channel).inc(frame.messages)

    def _tell_gap(self) -> Mapping[str, str]:
        frame = encode_gap(self.channel, self._lost_cursor, GapReason.SLOW_CLIENT, self._lost)
        metrics.GAPS.labels(self.channel, GapReason.SLOW_CLIENT).inc()
        self._lost = 0
        return frame.asgi
