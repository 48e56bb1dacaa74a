"""The load generator: picows clients in one process of their own. ``python -m bench.ws`` starts it.

It prints ``ready`` once every client has its snapshot, reads until its input is closed, and prints what it saw as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime

import numpy as np
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect
from stock_kit.clock import wall_now

# Handshakes at once.
_CONNECTING = 50


@dataclass
class Arrivals:
    """One frame, which every client gets in the same bytes: when its messages were made, when each client had it."""

    made: list[float]
    at: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True)
class Seen:
    """What the clients saw; milliseconds from the making of a message."""

    clients: int
    messages: int
    """Different ones."""
    deliveries: int
    """Messages counted at each client."""
    incomplete: int
    """Messages that not every client got exactly once."""
    gaps: int
    closed: int
    """Connections that ended before they were told to."""
    delivery_p50: float
    delivery_p99: float
    last_client_p50: float
    last_client_p99: float
    last_client_max: float


class Crowd:
    """All clients together: they share what was decoded once."""

    def __init__(self) -> None:
        self.frames: dict[bytes, Arrivals] = {}
        self.kinds: Counter[str] = Counter()
        self.snapshots = 0
        self.closed = 0

    def take(self, payload: bytes) -> None:
        arrivals = self.frames.get(payload)
        if arrivals is None:
            arrivals = self._decode(payload)
        if arrivals is not None:
            arrivals.at.append(wall_now().timestamp())

    def _decode(self, payload: bytes) -> Arrivals | None:
        frame = json.loads(payload)
        self.kinds[frame["kind"]] += 1
        if frame["kind"] == "snapshot":
            self.snapshots += 1
        if frame["kind"] != "update":
            return None
        made = [datetime.fromisoformat(message["time"]).timestamp() for message in frame["messages"]]
        return self.frames.setdefault(payload, Arrivals(made))

    def seen(self, clients: int) -> Seen:
        frames = [(np.array(frame.made), np.array(frame.at)) for frame in self.frames.values()]
        last = 1000 * np.concatenate([at.max() - made for made, at in frames])
        every = 1000 * np.concatenate([np.subtract.outer(at, made).ravel() for made, at in frames])
        return Seen(
            clients=clients,
            messages=len(last),
            deliveries=len(every),
            incomplete=sum(len(made) for made, at in frames if len(at) != clients),
            gaps=self.kinds["gap"],
            closed=self.closed,
            delivery_p50=float(np.percentile(every, 50)),
            delivery_p99=float(np.percentile(every, 99)),
            last_client_p50=float(np.percentile(last, 50)),
            last_client_p99=float(np.percentile(last, 99)),
            last_client_max=float(last.max()),
        )


class Client(WSListener):
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._crowd.take(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002  the library's
        self._crowd.closed += 1


class StalledClient(WSListener):
    """Connects, and never reads what comes."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.underlying_transport.pause_reading()


async def _connect(url: str, listeners: list[WSListener]) -> None:
    limit = asyncio.Semaphore(_CONNECTING)

    async def one(listener: WSListener) -> None:
        async with limit:
            await ws_connect(lambda: listener, url)

    await asyncio.gather(*(one(listener) for listener in listeners))


async def _run(url: str, clients: int, stalled: int) -> Seen:
    crowd = Crowd()
    await _connect(url, [StalledClient() for _ in range(stalled)])
    await _connect(url, [Client(crowd) for _ in range(clients)])
    while crowd.snapshots < clients:
        await asyncio.sleep(0.05)
    # A collection of everything that arrived would stand still for longer than what is measured.
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    return crowd.seen(clients)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ws.clients", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--stalled", type=int, required=True)
    options = parser.parse_args()
    print(json.dumps(asdict(uvloop.run(_run(options.url, options.clients, options.stalled)))))


if __name__ == "__main__":
    main()
