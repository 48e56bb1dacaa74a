from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from stock_kit.events import Event, PredictionEvent
from stock_kit.service_settings import WsMonitorSettings
from ws_monitor.bridge import HubTarget
from ws_monitor.channel import SNAPSHOT_MESSAGES
from ws_monitor.frames import ChannelName
from ws_monitor.hub import Hub

pytestmark = pytest.mark.anyio
MakePrediction = Callable[..., PredictionEvent]


class Store:
    """Holds predictions; :attr:`asked` counts how often they were asked for."""

    def __init__(self) -> None:
        self.events: list[PredictionEvent] = []
        self.asked = 0
        self.is_down = False

    def insert(self, events: Sequence[Event]) -> None:
        raise NotImplementedError

    def newest(self, model: type[Event], limit: int) -> list[Event]:
        assert limit == SNAPSHOT_MESSAGES
        if self.is_down:
            raise ConnectionError("down")
        if model is not PredictionEvent:
            return []
        self.asked += 1
        return list(self.events)

    def ping(self) -> None: ...


def shown(hub: Hub) -> list[str]:
    return [item.identity for item in hub[ChannelName.PREDICTIONS]._channel.snapshot(None)]


async def test_a_snapshot_is_filled_from_the_store_at_first_and_after_each_rest(
    make_prediction: MakePrediction,
) -> None:
    hub, store = Hub(WsMonitorSettings()), Store()
    target = HubTarget(hub, store, asyncio.get_running_loop())
    store.events = [make_prediction()]
    for _ in range(2):  # the broker was away for a moment
        target.caught_up()
        await asyncio.sleep(0)
    assert hub.loaded.is_set()
    assert store.asked == 1

    target.rest()
    await asyncio.sleep(0)
    assert not hub.loaded.is_set()
    store.events.append(make_prediction())
    target.caught_up()
    await asyncio.sleep(0)
    assert hub.loaded.is_set()
    assert store.asked == 2
    assert shown(hub) == [event.identity for event in store.events]


async def test_a_store_that_does_not_answer_keeps_nobody_waiting_and_is_asked_again(
    make_prediction: MakePrediction,
) -> None:
    hub, store = Hub(WsMonitorSettings()), Store()
    target = HubTarget(hub, store, asyncio.get_running_loop())
    store.events, store.is_down = [make_prediction()], True
    target.caught_up()
    await asyncio.sleep(0)
    assert hub.loaded.is_set()
    store.is_down = False
    target.caught_up()
    await asyncio.sleep(0)
    assert shown(hub) == [store.events[0].identity]
