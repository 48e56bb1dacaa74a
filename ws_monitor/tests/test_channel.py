from __future__ import annotations

from collections.abc import Callable

import pytest
from stock_kit.events import MetricsEvent, PredictionEvent, Topic
from ws_monitor.channel import CHANNELS, SNAPSHOT_MESSAGES, Channel
from ws_monitor.frames import ChannelName, GapReason, Position, parse_cursor
from ws_monitor.memory import MemoryLog

MakePrediction = Callable[..., PredictionEvent]
MakeMetrics = Callable[..., MetricsEvent]


def predictions(history: int = 100) -> Channel:
    channel = Channel(CHANNELS[ChannelName.PREDICTIONS], history)
    channel.start_at({0: 0, 1: 0})
    return channel


def feed(channel: Channel, log: MemoryLog) -> list[str]:
    """Read what is unread; the sequence numbers of what was new."""
    items = [channel.add(record) for record in log.poll(0, hold=False)]
    return [f"{item.partition}:{item.offset}" for item in items if item is not None]


def resumed(channel: Channel, cursor: str, keys: frozenset[str] | None = None) -> list[str]:
    parsed = parse_cursor(cursor)
    assert parsed is not None
    result = channel.resume(parsed, keys)
    assert result.gap is None
    return [f"{item.partition}:{item.offset}" for item in result.items]


def test_a_resent_event_is_new_only_once(make_prediction: MakePrediction) -> None:
    log, channel, event = MemoryLog(), predictions(), make_prediction()
    log.append(Topic.PREDICTIONS, event)
    log.append(Topic.PREDICTIONS, event, partition=1)
    assert feed(channel, log) == ["0:0"]


def test_a_message_that_is_no_event_is_skipped_and_the_cursor_moves_on(make_prediction: MakePrediction) -> None:
    log, channel = MemoryLog(), predictions()
    log.append(Topic.PREDICTIONS, b'{"type":"prediction"}')
    log.append(Topic.PREDICTIONS, b"\xff\x00")
    log.append(Topic.PREDICTIONS, make_prediction())
    assert feed(channel, log) == ["0:2"]
    assert parse_cursor(channel.cursor) == {0: Position(3, 3_000), 1: Position(0, 0)}


def test_a_client_resumes_with_exactly_what_it_missed(make_prediction: MakePrediction) -> None:
    log, channel = MemoryLog(), predictions()
    for partition in (0, 1, 0):
        log.append(Topic.PREDICTIONS, make_prediction(), partition)
    feed(channel, log)
    cursor = channel.cursor
    for partition in (1, 0):
        log.append(Topic.PREDICTIONS, make_prediction(), partition)
    feed(channel, log)
    assert resumed(channel, cursor) == ["1:1", "0:2"]


def test_a_cursor_of_one_replica_continues_at_another(make_prediction: MakePrediction) -> None:
    log, first, second = MemoryLog(), predictions(), predictions()
    for _ in range(3):
        log.append(Topic.PREDICTIONS, make_prediction())
    feed(first, log)
    cursor = first.cursor
    log.append(Topic.PREDICTIONS, make_prediction())
    log.rewind()
    feed(second, log)
    assert resumed(second, cursor) == ["0:3"]


def test_a_replica_that_lags_does_not_repeat_what_the_client_saw_elsewhere(make_prediction: MakePrediction) -> None:
    log, ahead, behind = MemoryLog(), predictions(), predictions()
    records = [log.append(Topic.PREDICTIONS, make_prediction()) for _ in range(4)]
    feed(ahead, log)
    behind.add(records[0])
    cursor = parse_cursor(ahead.cursor)
    assert cursor is not None
    result = behind.resume(cursor, None)
    assert (result.gap, list(result.items)) == (None, [])
    assert result.already_seen == {0: Position(4, 4_000)}


def test_a_cursor_older_than_the_history_gets_a_gap_with_the_number_lost(make_prediction: MakePrediction) -> None:
    log, channel = MemoryLog(), predictions(history=10)
    for _ in range(25):
        log.append(Topic.PREDICTIONS, make_prediction())
    feed(channel, log)
    result = channel.resume({0: Position(5, 5_000), 1: Position(0, 0)}, None)
    assert (result.gap, result.lost) == (GapReason.HISTORY, 10)


def test_the_history_is_bounded_by_bytes_too(make_metrics: MakeMetrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ws_monitor.channel.MAX_HISTORY_BYTES", 2_000)
    log, channel = MemoryLog(), Channel(CHANNELS[ChannelName.METRICS], 1000)
    channel.start_at({0: 0})
    for _ in range(20):
        log.append(Topic.METRICS, make_metrics())
    feed(channel, log)
    assert channel.resume({0: Position(0, 0)}, None).gap is GapReason.HISTORY
    assert channel.resume({0: Position(18, 18_000)}, None).gap is None


def test_a_log_that_starts_over_is_told_from_the_one_before(make_prediction: MakePrediction) -> None:
    old, channel = MemoryLog(), predictions()
    for _ in range(5):
        old.append(Topic.PREDICTIONS, make_prediction())
    feed(channel, old)
    cursor = parse_cursor(channel.cursor)
    assert cursor is not None
    assert channel.start_at({0: 0, 1: 0})

    new = MemoryLog(first_stamp_ms=100_000)
    for _ in range(9):
        new.append(Topic.PREDICTIONS, make_prediction())
    feed(channel, new)
    assert channel.resume(cursor, None).gap is GapReason.LOG_RESET
    assert channel.resume({0: Position(40, 5_000), 1: Position(0, 0)}, None).gap is GapReason.LOG_RESET


def test_starting_where_reading_stood_is_no_new_log(make_prediction: MakePrediction) -> None:
    log, channel = MemoryLog(), predictions()
    log.append(Topic.PREDICTIONS, make_prediction())
    feed(channel, log)
    cursor = channel.cursor
    assert not channel.start_at({0: 1, 1: 0})
    assert channel.cursor == cursor


def test_what_a_shortened_log_still_holds_is_not_pushed_again_but_can_be_resumed(
    make_prediction: MakePrediction,
) -> None:
    log, channel = MemoryLog(), predictions()
    for _ in range(4):
        log.append(Topic.PREDICTIONS, make_prediction())
    feed(channel, log)
    assert channel.start_at({0: 0, 1: 0})
    del log.records[3:]  # acknowledged, and lost with the broker
    log.rewind()
    assert feed(channel, log) == []
    assert resumed(channel, "0.1.1000~1.0.0") == ["0:1", "0:2"]
    assert len(channel.snapshot(None)) == 4


def test_the_snapshot_holds_the_newest_messages_of_the_tickers_asked_for(make_prediction: MakePrediction) -> None:
    log, channel = MemoryLog(), predictions(history=500)
    for number in range(2 * SNAPSHOT_MESSAGES + 2):
        log.append(Topic.PREDICTIONS, make_prediction(ticker=("AAPL", "MSFT")[number % 2]))
    feed(channel, log)
    items = channel.snapshot(frozenset({"US:MSFT"}))
    assert {item.key for item in items} == {"US:MSFT"}
    assert [item.offset for item in items] == list(range(3, 2 * SNAPSHOT_MESSAGES + 2, 2))


def test_the_metrics_snapshot_holds_the_newest_scrape_of_each_service(make_metrics: MakeMetrics) -> None:
    log, channel = MemoryLog(), Channel(CHANNELS[ChannelName.METRICS], 100)
    for service in ("backend1", "backend2", "backend1"):
        log.append(Topic.METRICS, make_metrics(service))
    feed(channel, log)
    assert [(item.key, item.offset) for item in channel.snapshot(None)] == [("backend2", 1), ("backend1", 2)]


def test_of_events_from_the_store_the_newest_are_kept_however_often_they_are_restored(
    make_prediction: MakePrediction,
) -> None:
    channel = predictions()
    events = [make_prediction() for _ in range(SNAPSHOT_MESSAGES + 20)]
    channel.restore(events[:SNAPSHOT_MESSAGES])
    channel.restore(events[20:])
    assert [item.identity for item in channel.snapshot(None)] == [event.identity for event in events[20:]]


def test_events_from_the_store_fill_the_snapshot_and_give_way_to_the_log(make_prediction: MakePrediction) -> None:
    log, channel = MemoryLog(), predictions()
    events = [make_prediction() for _ in range(3)]
    channel.restore(events)
    log.append(Topic.PREDICTIONS, events[2])
    assert feed(channel, log) == []
    assert [item.body[:12] for item in channel.snapshot(None)] == [b'{"seq":"db:0', b'{"seq":"db:0', b'{"seq":"0:0"']
