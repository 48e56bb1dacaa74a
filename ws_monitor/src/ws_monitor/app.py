"""The HTTP and WebSocket doors. Pure ASGI where it is hot: one prepared message is sent to every client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from stock_kit.health import Readiness
from stock_kit.metrics import render_metrics

from ws_monitor import metrics
from ws_monitor.channel import Keys
from ws_monitor.client import Client
from ws_monitor.frames import ChannelName
from ws_monitor.gate import TRY_AGAIN_LATER, UNAUTHENTICATED, Gate, RefusedError
from ws_monitor.hub import Broadcaster, Hub
from ws_monitor.requests import PING, parse_message, parse_query

# A client that connects while the service starts waits so long for the history before it gets what there is.
_LOAD_WAIT = 3.0
_MAX_CLIENTS = 10_000
# A client that says more than this many things a second is read more slowly: each may cost a snapshot.
_PAUSE_AFTER_MESSAGE = 0.05
_MAX_REASON_BYTES = 123


class Push:
    """The ASGI application of one channel's WebSocket."""

    def __init__(self, hub: Callable[[], Hub], name: ChannelName, gate: Gate) -> None:
        self._hub = hub
        self._name = name
        self._gate = gate
        self._connected = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        # Accepted before it is refused: a browser does not tell its page why a handshake failed.
        await send({"type": "websocket.accept"})
        self._connected += 1
        try:
            if self._connected > _MAX_CLIENTS:
                raise RefusedError(TRY_AGAIN_LATER, "too many clients")
            query = parse_query(self._name, scope["query_string"])
            await self._gate.admit(scope, query.ticket, receive)
            if await self._serve(query.since, query.keys, receive, send):
                raise RefusedError(UNAUTHENTICATED, "this socket is too old; come in again")
        except RefusedError as error:
            metrics.REFUSED.labels(str(error.code)).inc()
            with suppress(OSError, RuntimeError):  # the client may be gone already
                reason = str(error).encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
                await send({"type": "websocket.close", "code": error.code, "reason": reason})
        finally:
            self._connected -= 1

    async def _serve(self, since: str | None, keys: Keys, receive: Receive, send: Send) -> bool:
        """Until the client leaves; true when it is still there, and has to show again who it is."""
        hub = self._hub()
        await hub.prepare(_LOAD_WAIT)
        broadcaster = hub[self._name]
        client = broadcaster.join(since, keys)
        sending = asyncio.create_task(self._send_frames(client, send))
        listening = asyncio.create_task(_listen(broadcaster, client, receive))
        try:
            ended, _ = await asyncio.wait(
                (sending, listening), timeout=self._gate.lifetime, return_when=asyncio.FIRST_COMPLETED
            )
            for task in ended:
                task.result()
            return not ended
        finally:
            broadcaster.leave(client)
            sending.cancel()
            listening.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)

    async def _send_frames(self, client: Client, send: Send) -> None:
        sent = metrics.FRAMES.labels(self._name)
        with suppress(OSError):  # the client went away
            while True:
                message = await client.next_message()
                await send(message)  # type: ignore[arg-type]  # it is only read
                sent.inc()


async def _listen(broadcaster: Broadcaster, client: Client, receive: Receive) -> None:
    """Until the client leaves.

    Raises:
        RefusedError: it said what nobody understands.
    """
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        if text == PING:
            broadcaster.ping([client])
        elif choice := parse_message(client.channel, text):
            broadcaster.choose(client, choice.keys)
        await asyncio.sleep(_PAUSE_AFTER_MESSAGE)


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _metrics(_: Request) -> Response:
    body, content_type = render_metrics()
    return Response(body, headers={"content-type": content_type})


def create_app(
    hub: Callable[[], Hub],
    readiness: Readiness,
    lifespan: Callable[[Any], AbstractAsyncContextManager[None]],
    gate: Gate,
) -> Starlette:
    """``hub`` is called once the lifespan has begun: the hub belongs to the running event loop."""

    async def ready(_: Request) -> Response:
        report = await readiness.report_async()
        return JSONResponse(report.to_dict(), status_code=report.status)

    http: Sequence[tuple[str, Callable[[Request], Any]]] = (
        ("/health", _health),
        ("/ws/health", _health),  # the same through nginx, which passes on what is below /ws
        ("/ready", ready),
        ("/metrics", _metrics),
    )
    return Starlette(
        routes=[
            *(Route(path + slash, endpoint) for path, endpoint in http for slash in ("", "/")),
            *(
                WebSocketRoute(f"/ws/{name}{slash}", Push(hub, name, gate))
                for name in ChannelName
                for slash in ("", "/")
            ),
        ],
        lifespan=lifespan,
    )


@asynccontextmanager
async def heartbeat(hub: Hub, interval: float) -> AsyncIterator[None]:
    """Ping all clients every ``interval`` seconds."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(interval)
            hub.ping()

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
