"""From the reader's thread to the hub's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from stock_kit.events import AlertEvent, Event, PredictionEvent
from stock_kit.logging import get_logger

from ws_monitor.channel import SNAPSHOT_MESSAGES
from ws_monitor.frames import ChannelName
from ws_monitor.hub import Hub
from ws_monitor.records import Place, Record
from ws_monitor.store import EventStore

log = get_logger(__name__)

_RESTORED: Mapping[ChannelName, type[Event]] = {
    ChannelName.PREDICTIONS: PredictionEvent,
    ChannelName.ALERTS: AlertEvent,
}


class HubTarget:
    """A :class:`ws_monitor.reader.Target`. At first, and after each rest, it also fills the snapshots from the store:
    the broker may have lost its log, may not answer, or may keep less than what came meanwhile."""

    def __init__(self, hub: Hub, store: EventStore, loop: asyncio.AbstractEventLoop) -> None:
        self._hub = hub
        self._store = store
        self._loop = loop
        self._restored = False

    def start_at(self, starts: Mapping[Place, int]) -> None:
        self._call(partial(self._hub.start_at, starts))

    def receive(self, records: Sequence[Record]) -> None:
        self._call(partial(self._hub.receive, records))

    def caught_up(self) -> None:
        if not self._restored:
            self._restore()
        self._call(self._hub.loaded.set)

    def rest(self) -> None:
        self._restored = False
        self._call(self._hub.loaded.clear)

    def is_watched(self) -> bool:
        return self._hub.is_watched

    def _restore(self) -> None:
        try:
            for name, model in _RESTORED.items():
                self._call(partial(self._hub.restore, name, self._store.newest(model, SNAPSHOT_MESSAGES)))
            self._restored = True
        except Exception as error:  # noqa: BLE001  whatever the driver raises; the next reconnect tries again
            log.warning("history_not_restored", error=str(error)[:300])

    def _call(self, action: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:
            log.debug("hub_is_gone")  # the loop is closed: the service stops
