from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from stock_kit.events import PredictionEvent, Topic
from stock_kit.service_settings import WsMonitorSettings
from ws_monitor.client import Client
from ws_monitor.frames import ChannelName, Frame
from ws_monitor.hub import Broadcaster, Hub
from ws_monitor.memory import MemoryLog
from ws_monitor.records import Place

pytestmark = pytest.mark.anyio
MakePrediction = Callable[..., PredictionEvent]

INTERVAL = 0.02


class Feed:
    """A hub on a log in memory."""

    def __init__(self, **changes: Any) -> None:
        values = {"frame_interval": timedelta(seconds=INTERVAL), "history": 100, "client_queue": 20}
        self.hub = Hub(WsMonitorSettings(**{**values, **changes}))
        self.log = MemoryLog()
        self.restart()

    @property
    def predictions(self) -> Broadcaster:
        return self.hub[ChannelName.PREDICTIONS]

    def restart(self) -> None:
        """Begin at offset 0 of the log."""
        self.hub.start_at({Place(str(Topic.PREDICTIONS), 0): 0})

    def push(self, *events: PredictionEvent) -> None:
        for event in events:
            self.log.append(Topic.PREDICTIONS, event)
        self.hub.receive(self.log.poll(0, hold=False))


async def test_it_knows_whether_anybody_looks_on() -> None:
    hub = Feed().hub
    assert not hub.is_watched
    client = hub[ChannelName.ALERTS].join(None, None)
    assert hub.is_watched
    hub[ChannelName.ALERTS].leave(client)
    assert not hub.is_watched


async def test_who_is_about_to_join_is_waited_for_as_one_who_looks_on() -> None:
    hub = Feed().hub
    coming = asyncio.create_task(hub.prepare(60))
    await asyncio.sleep(0)
    assert hub.is_watched
    hub.loaded.set()
    await coming
    assert not hub.is_watched


async def test_who_joins_does_not_wait_for_ever_for_the_history() -> None:
    hub = Feed().hub
    await hub.prepare(0.01)
    assert not hub.loaded.is_set()
    assert not hub.is_watched


async def drain(client: Client) -> list[dict[str, Any]]:
    """Every frame that waits."""
    frames = []
    while not client.idle:
        text = (await client.next_message())["text"]
        Frame.model_validate_json(text)
        frames.append(json.loads(text))
    return frames


def seqs(frames: Sequence[dict[str, Any]]) -> list[str]:
    return [message["seq"] for frame in frames for message in frame["messages"]]


async def test_messages_within_the_interval_share_one_frame(make_prediction: MakePrediction) -> None:
    feed = Feed()
    client = feed.predictions.join(None, None)
    assert [frame["kind"] for frame in await drain(client)] == ["snapshot"]
    feed.push(make_prediction())
    feed.push(make_prediction())
    assert client.idle
    await asyncio.sleep(3 * INTERVAL)
    (frame,) = await drain(client)
    assert (frame["kind"], seqs([frame])) == ("update", ["0:0", "0:1"])


async def test_one_encoding_serves_all_clients_with_the_same_wish(make_prediction: MakePrediction) -> None:
    feed = Feed()
    everything = [feed.predictions.join(None, None) for _ in range(3)]
    for client in everything:
        await drain(client)
    feed.push(make_prediction())
    feed.hub.flush()
    first, second, third = [await client.next_message() for client in everything]
    assert first is second is third


async def test_a_client_hears_only_of_the_tickers_it_asked_for(make_prediction: MakePrediction) -> None:
    feed = Feed()
    microsoft = feed.predictions.join(None, frozenset({"US:MSFT"}))
    await drain(microsoft)
    feed.push(make_prediction(), make_prediction(ticker="MSFT"), make_prediction())
    feed.hub.flush()
    assert seqs(await drain(microsoft)) == ["0:1"]
    feed.push(make_prediction())
    feed.hub.flush()
    assert microsoft.idle


async def test_a_client_that_chooses_other_tickers_gets_a_snapshot_of_them_and_then_only_theirs(
    make_prediction: MakePrediction,
) -> None:
    feed = Feed()
    client = feed.predictions.join(None, frozenset({"US:MSFT"}))
    feed.push(make_prediction(), make_prediction(ticker="MSFT"))
    feed.predictions.choose(client, frozenset({"US:AAPL"}))
    feed.push(make_prediction(), make_prediction(ticker="MSFT"))
    feed.hub.flush()
    frames = await drain(client)
    assert [(frame["kind"], seqs([frame])) for frame in frames] == [
        ("snapshot", []),
        ("update", ["0:1"]),
        ("snapshot", ["0:0"]),
        ("update", ["0:2"]),
    ]


async def test_a_client_that_joins_between_two_frames_gets_each_message_once(make_prediction: MakePrediction) -> None:
    feed = Feed()
    early = feed.predictions.join(None, None)
    feed.push(make_prediction())
    late = feed.predictions.join(None, None)
    feed.push(make_prediction())
    feed.hub.flush()
    assert seqs(await drain(early)) == ["0:0", "0:1"]
    assert seqs(await drain(late)) == ["0:0", "0:1"]


async def test_resuming_continues_after_the_cursor_of_the_last_frame(make_prediction: MakePrediction) -> None:
    feed = Feed()
    client = feed.predictions.join(None, None)
    feed.push(make_prediction(), make_prediction())
    feed.hub.flush()
    cursor = (await drain(client))[-1]["cursor"]
    feed.predictions.leave(client)
    feed.push(make_prediction())
    again = feed.predictions.join(cursor, None)
    (frame,) = await drain(again)
    assert (frame["kind"], seqs([frame])) == ("update", ["0:2"])


async def test_a_resume_that_missed_nothing_begins_with_an_empty_update(make_prediction: MakePrediction) -> None:
    feed = Feed()
    feed.push(make_prediction())
    cursor = (await drain(feed.predictions.join(None, None)))[-1]["cursor"]
    (frame,) = await drain(feed.predictions.join(cursor, None))
    assert (frame["kind"], frame["messages"], frame["cursor"]) == ("update", [], cursor)


async def test_a_cursor_nobody_can_read_gets_a_gap_and_a_snapshot(make_prediction: MakePrediction) -> None:
    feed = Feed()
    feed.push(make_prediction())
    gap, snapshot = await drain(feed.predictions.join("no cursor", None))
    assert (gap["kind"], gap["reason"], gap["lost"]) == ("gap", "history", None)
    assert (snapshot["kind"], seqs([snapshot])) == ("snapshot", ["0:0"])


async def test_a_slow_client_loses_its_oldest_messages_and_the_others_none(make_prediction: MakePrediction) -> None:
    feed = Feed(client_queue=10)
    slow, quick = (feed.predictions.join(None, None) for _ in range(2))
    await drain(slow)
    await drain(quick)
    received = []
    for _ in range(25):
        feed.push(make_prediction())
        feed.hub.flush()
        received += seqs(await drain(quick))
    assert received == [f"0:{offset}" for offset in range(25)]
    gap, *rest = await drain(slow)
    assert (gap["kind"], gap["reason"], gap["lost"]) == ("gap", "slow_client", 15)
    assert seqs(rest) == [f"0:{offset}" for offset in range(15, 25)]


async def test_the_cursor_of_a_slow_clients_gap_does_not_bring_back_what_was_dropped(
    make_prediction: MakePrediction,
) -> None:
    feed = Feed(client_queue=10)
    slow = feed.predictions.join(None, None)
    for _ in range(25):
        feed.push(make_prediction())
        feed.hub.flush()
    cursor = json.loads((await slow.next_message())["text"])["cursor"]
    assert seqs(await drain(feed.predictions.join(cursor, None))) == [f"0:{offset}" for offset in range(15, 25)]


async def test_clients_are_told_once_when_the_log_starts_over(make_prediction: MakePrediction) -> None:
    feed = Feed()
    client = feed.predictions.join(None, None)
    feed.push(make_prediction(), make_prediction())
    feed.hub.flush()
    await drain(client)
    feed.log = MemoryLog(first_stamp_ms=100_000)
    feed.restart()
    gap, snapshot = await drain(client)
    assert (gap["kind"], gap["reason"]) == ("gap", "log_reset")
    assert (snapshot["kind"], seqs([snapshot])) == ("snapshot", ["0:0", "0:1"])
    feed.push(make_prediction())
    feed.hub.flush()
    (update,) = await drain(client)
    assert (update["kind"], seqs([update])) == ("update", ["0:0"])


async def test_a_client_from_a_replica_that_was_ahead_gets_no_message_twice(make_prediction: MakePrediction) -> None:
    ahead, behind = Feed(), Feed()
    events = [make_prediction() for _ in range(3)]
    ahead.push(*events)
    cursor = (await drain(ahead.predictions.join(None, None)))[-1]["cursor"]
    behind.push(events[0])
    client = behind.predictions.join(cursor, None)
    behind.push(events[1], events[2], make_prediction())
    behind.hub.flush()
    assert seqs(await drain(client)) == ["0:3"]


async def test_a_ping_reaches_only_clients_with_nothing_waiting(make_prediction: MakePrediction) -> None:
    feed = Feed()
    idle, busy = (feed.predictions.join(None, None) for _ in range(2))
    await drain(idle)
    feed.hub.ping()
    assert [frame["kind"] for frame in await drain(idle)] == ["ping"]
    assert [frame["kind"] for frame in await drain(busy)] == ["snapshot"]


async def test_nothing_is_kept_for_a_client_that_left(make_prediction: MakePrediction) -> None:
    feed = Feed()
    client = feed.predictions.join(None, None)
    await drain(client)
    feed.predictions.leave(client)
    feed.push(make_prediction())
    feed.hub.flush()
    assert client.idle
