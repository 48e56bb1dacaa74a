"""What goes over a WebSocket: one JSON text frame at a time, from server to client.

``/ws/predictions``, ``/ws/metrics`` and ``/ws/alerts`` speak alike. Query parameters: ``since`` (a cursor from an
earlier frame), ``ticker`` (``US:AAPL``; repeatable, or a comma list; predictions and alerts only), ``ticket`` (see
:mod:`ws_monitor.gate`).

The conversation:

* The first frame is a ``snapshot``: the newest messages, or the newest of each service on the metrics channel.
* With ``since``, the first frame is instead an ``update`` with all that was missed (it may be empty). When the history
  does not reach back that far, a ``gap`` says so and a ``snapshot`` follows. Any replica can continue any cursor.
* After that come ``update`` frames; what arrives within the frame interval shares one.
* A client that reads too slowly loses its oldest messages and finds a ``gap`` in their place.
* A ``ping`` without messages tells every 15 s, and in answer to a text message ``ping``, that the line is alive.
* A client that sends ``{"tickers": ["US:AAPL"]}`` gets a ``snapshot`` of these and from then on only these.
* What cannot be read closes the socket, see :mod:`ws_monitor.requests`.

A frame repeats messages only after a resume; a client that keeps what it has seen drops them by ``seq``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field
from stock_kit.clock import wall_now
from stock_kit.events import AlertEvent, MetricsEvent, PredictionEvent

# A frame beyond this is split, so that no client has to take in a megabyte at once.
MAX_FRAME_BYTES = 256 * 1024
MAX_FRAME_MESSAGES = 500


class ChannelName(StrEnum):
    PREDICTIONS = "predictions"
    METRICS = "metrics"
    ALERTS = "alerts"


class Kind(StrEnum):
    SNAPSHOT = "snapshot"
    UPDATE = "update"
    GAP = "gap"
    PING = "ping"


class GapReason(StrEnum):
    HISTORY = "history"
    """The history does not reach back to the cursor."""
    LOG_RESET = "log_reset"
    """The broker lost its log: offsets start over, earlier cursors mean nothing."""
    SLOW_CLIENT = "slow_client"
    """This client did not read fast enough."""


class WireMessage(BaseModel):
    """One event. ``seq`` is ``partition:offset`` in the channel's topic, or ``db:<id>`` when it was read back from
    ClickHouse; treat it as an opaque key."""

    seq: str
    time: datetime = Field(description="when the event was made")
    data: Annotated[PredictionEvent | MetricsEvent | AlertEvent, Field(discriminator="type")]


class Frame(BaseModel):
    """The schema of every frame."""

    channel: ChannelName
    kind: Kind
    cursor: str = Field(description="pass as ?since= to continue after this frame; empty: not resumable")
    time: datetime = Field(description="when the frame was made")
    messages: list[WireMessage] = Field(max_length=MAX_FRAME_MESSAGES)
    reason: GapReason | None = Field(None, description="of a gap")
    lost: int | None = Field(None, ge=0, description="of a gap: how many messages; null when nobody knows")


class Outgoing(NamedTuple):
    """A frame encoded once for all clients that get it: the ASGI message, and what a queue must know about it."""

    asgi: Mapping[str, str]
    messages: int
    cursor: str


class Position(NamedTuple):
    """How far a reader of one partition has come."""

    next_offset: int
    stamp_ms: int
    """Broker's time of the last message before ``next_offset``: tells a log from the one that replaced it."""


Cursor = Mapping[int, Position]


def format_cursor(cursor: Cursor) -> str:
    """``partition.next_offset.stamp`` per partition, in characters that a URL needs no escape for."""
    return "~".join(f"{part}.{at.next_offset}.{at.stamp_ms}" for part, at in sorted(cursor.items()))


def parse_cursor(text: str) -> dict[int, Position] | None:
    """None when ``text`` is no cursor of ours."""
    cursor = {}
    for part in text.split("~"):
        numbers = part.split(".")
        if len(numbers) != 3 or not all(n.isascii() and n.isdigit() and len(n) < 20 for n in numbers):
            return None
        partition, next_offset, stamp = map(int, numbers)
        cursor[partition] = Position(next_offset, stamp)
    return cursor


def encode_frame(
    channel: ChannelName,
    kind: Literal[Kind.SNAPSHOT, Kind.UPDATE, Kind.PING],
    cursor: str,
    bodies: Sequence[bytes] = (),
) -> Outgoing:
    """One frame of messages that are encoded already (see :class:`WireMessage`)."""
    return _outgoing(channel, kind, cursor, b",".join(bodies).decode(), len(bodies), "")


def encode_gap(channel: ChannelName, cursor: str, reason: GapReason, lost: int | None) -> Outgoing:
    extra = f',"reason":"{reason}","lost":{"null" if lost is None else lost}'
    return _outgoing(channel, Kind.GAP, cursor, "", 0, extra)


def _outgoing(channel: ChannelName, kind: Kind, cursor: str, messages: str, count: int, extra: str) -> Outgoing:
    # Everything but the messages is of our own making and needs no escaping.
    time = wall_now().isoformat(timespec="milliseconds")
    text = (
        f'{{"channel":"{channel}","kind":"{kind}","cursor":"{cursor}","time":"{time}","messages":[{messages}]{extra}}}'
    )
    return Outgoing({"type": "websocket.send", "text": text}, count, cursor)


def encode_frames(
    channel: ChannelName,
    kind: Literal[Kind.SNAPSHOT, Kind.UPDATE],
    bodies: Sequence[bytes],
    *,
    before: str,
    after: str,
) -> list[Outgoing]:
    """As many frames as the limits ask for, at least one.

    Only the last one carries the cursor ``after`` the messages; a client that breaks off earlier continues from
    ``before`` and sees some of them twice rather than never.
    """
    chunks = list(_chunks(bodies)) or [[]]
    return [
        encode_frame(channel, kind if index == 0 else Kind.UPDATE, after if index == len(chunks) - 1 else before, chunk)
        for index, chunk in enumerate(chunks)
    ]


def _chunks(bodies: Sequence[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for body in bodies:
        if chunk and (size + len(body) > MAX_FRAME_BYTES or len(chunk) >= MAX_FRAME_MESSAGES):
            yield chunk
            chunk, size = [], 0
        chunk.append(body)
        size += len(body)
    if chunk:
        yield chunk


def frame_schema() -> dict[str, Any]:
    """JSON Schema of a frame, for documents and generated clients."""
    return Frame.model_json_schema()
