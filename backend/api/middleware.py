"""Pure ASGI middleware: the request's id, and which paths there can be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from random import getrandbits

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ErrorRenderer

# What comes from outside goes into logs and headers: short and plain, or it is replaced.
_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._:-]{8,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RequestContextMiddleware:
    """Gives each request an id, the caller's when it sent a usable ``X-Request-ID``, for its logs and its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Not a secret, so it need not come from the kernel, whose answer takes longer than all else here.
        request_id = _incoming_id(scope["headers"]) or f"{getrandbits(128):032x}"
        scope.setdefault("state", {})["request_id"] = request_id
        header = (b"x-request-id", request_id.encode())

        async def add_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append(header)
            await send(message)

        # Each request runs in a context of its own, so nothing needs to be unbound.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self.app(scope, receive, add_header)


def _incoming_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"x-request-id" and _ACCEPTED_ID.fullmatch(value):
            return value.decode()
    return None


class PathMiddleware:
    """Answers ``/x`` and ``/x/`` alike without a redirect, which would cost a round trip and lose a POST's body.

    No path with a control character reaches the guard or a route. The routes' patterns overlook a line break at the end
    (``$`` matches before it), which the guard would take for another path with another rule.

    ``slashed`` holds the paths that routes declare with a slash at the end, given here without it.
    """

    def __init__(self, app: ASGIApp, slashed: frozenset[str], errors: ErrorRenderer) -> None:
        self.app = app
        self._slashed = slashed
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if _CONTROL.search(path):
                answer = await self._errors.render(Request(scope), HTTPException(404))
                await answer(scope, receive, send)
                return
            if path in self._slashed:
                scope["path"] = path + "/"
            elif len(path) > 1 and path.endswith("/") and path[:-1] not in self._slashed:
                scope["path"] = path[:-1]
        await self.app(scope, receive, send)
