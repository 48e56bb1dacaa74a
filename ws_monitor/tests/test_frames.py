from __future__ import annotations

import json

import pytest
from ws_monitor.frames import (
    MAX_FRAME_BYTES,
    MAX_FRAME_MESSAGES,
    ChannelName,
    Frame,
    GapReason,
    Kind,
    Position,
    encode_frames,
    encode_gap,
    format_cursor,
    parse_cursor,
)


def test_a_cursor_survives_the_way_to_the_client_and_back() -> None:
    cursor = {2: Position(17, 1_700_000_000_123), 0: Position(0, 0)}
    assert parse_cursor(format_cursor(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "x", "1.2", "1.2.3~", "1.2.-3", "1.2.3.4", "1.2.٣", f"1.2.{'9' * 20}", "a.b.c"])
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert parse_cursor(text) is None


def test_a_gap_validates_against_the_schema() -> None:
    frame = Frame.model_validate_json(encode_gap(ChannelName.ALERTS, "0.1.2", GapReason.SLOW_CLIENT, 7).asgi["text"])
    assert (frame.kind, frame.reason, frame.lost, frame.messages) == (Kind.GAP, GapReason.SLOW_CLIENT, 7, [])


def test_a_gap_of_unknown_size_says_null() -> None:
    text = encode_gap(ChannelName.ALERTS, "", GapReason.LOG_RESET, None).asgi["text"]
    assert json.loads(text)["lost"] is None


def test_no_messages_still_make_one_frame() -> None:
    (frame,) = encode_frames(ChannelName.PREDICTIONS, Kind.SNAPSHOT, [], before="", after="0.1.2")
    assert (frame.messages, frame.cursor) == (0, "0.1.2")


def test_only_the_last_of_several_frames_moves_the_cursor() -> None:
    bodies = [b'{"n":%d}' % n for n in range(2 * MAX_FRAME_MESSAGES + 1)]
    frames = encode_frames(ChannelName.PREDICTIONS, Kind.UPDATE, bodies, before="0.0.0", after="0.9.9")
    assert [frame.messages for frame in frames] == [MAX_FRAME_MESSAGES, MAX_FRAME_MESSAGES, 1]
    assert [frame.cursor for frame in frames] == ["0.0.0", "0.0.0", "0.9.9"]
    decoded = [json.loads(frame.asgi["text"]) for frame in frames]
    assert [message["n"] for frame in decoded for message in frame["messages"]] == list(range(len(bodies)))


def test_large_messages_do_not_share_a_frame() -> None:
    bodies = [b'"%s"' % (b"x" * (MAX_FRAME_BYTES - 10))] * 2
    frames = encode_frames(ChannelName.METRICS, Kind.SNAPSHOT, bodies, before="", after="0.2.2")
    assert [json.loads(frame.asgi["text"])["kind"] for frame in frames] == ["snapshot", "update"]
