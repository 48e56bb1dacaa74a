"""Commands to the running supervisor over a UNIX socket: one JSON object per line, both ways.

A request is ``{"command": ..., ...}``. The answer is any number of lines with ``"event"`` and one last line with either
``"result"`` or ``"error"``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, BinaryIO

from stock_local.paths import Layout, short_path

Json = dict[str, Any]
Emit = Callable[[Json], Awaitable[None]]
Handler = Callable[[Json, Emit], Awaitable[Any]]


class ControlError(Exception):
    """The supervisor refused a command; the text says why."""


class NotRunningError(ControlError):
    """No supervisor answers."""


async def _answer(handlers: Mapping[str, Handler], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def emit(message: Json) -> None:
        writer.write(json.dumps(message).encode() + b"\n")
        await writer.drain()

    with contextlib.suppress(ConnectionError):  # whoever asked has gone
        try:
            request: Json = json.loads(await reader.readline() or b"{}")
            command = str(request.get("command"))
            if command not in handlers:
                raise ControlError(f"unknown command {command!r}: expected one of {', '.join(handlers)}")
            await emit({"result": await handlers[command](request, emit)})
        except (ControlError, KeyError, ValueError, ProcessLookupError) as error:
            await emit({"error": str(error.args[0]) if error.args else type(error).__name__})
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def serve_control(layout: Layout, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
    """Answer commands while the context lasts."""
    layout.socket.unlink(missing_ok=True)
    with short_path(layout.socket) as path:
        server = await asyncio.start_unix_server(lambda r, w: _answer(handlers, r, w), path)
    try:
        yield
    finally:
        server.close()
        layout.socket.unlink(missing_ok=True)


def ask(layout: Layout, command: str, *, timeout: float | None = 30.0, **arguments: object) -> Iterator[Json]:
    """Send one command; yields its events, then the line with its result.

    Raises:
        NotRunningError: no supervisor runs on this data folder, or it ended meanwhile.
        ControlError: it refused.
    """
    if not layout.run.is_dir():
        raise NotRunningError("the stack does not run")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            with short_path(layout.socket) as path:
                connection.connect(path)
            connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
        except TimeoutError as error:
            raise ControlError(f"the supervisor does not answer within {timeout:.0f} s") from error
        except OSError as error:
            raise NotRunningError("the stack does not run") from error
        with connection.makefile("rb") as lines:
            yield from _messages(lines)


def _messages(lines: BinaryIO) -> Iterator[Json]:
    try:
        for line in lines:
            message: Json = json.loads(line)
            if "error" in message:
                raise ControlError(message["error"])
            yield message
            if "result" in message:
                return
    except TimeoutError as error:
        raise ControlError("the supervisor does not answer") from error
    except ConnectionError as error:
        raise NotRunningError("the supervisor ended") from error
    raise NotRunningError("the supervisor ended")


def call(layout: Layout, command: str, *, timeout: float | None = 30.0, **arguments: object) -> Any:
    """Send one command and return its result."""
    for message in ask(layout, command, timeout=timeout, **arguments):
        if "result" in message:
            return message["result"]
    raise NotRunningError("the supervisor ended")
