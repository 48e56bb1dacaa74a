"""Which right a call needs, and the middleware that asks the guard about it. Pure ASGI: it runs before each prediction.

A rule follows from method and path, so that a new route is guarded before anybody thinks of it: what reads needs
``read``, what changes needs ``write``, and only what stands here is otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from stock_kit import access
from stock_kit.logging import get_logger
from stock_mlops.errors import StockMlopsError
from stock_mlops.services.access_metrics import AUDIT_FAILURES, REFUSED
from stock_mlops.services.callers import Caller
from stock_mlops.services.guard import Guard
from stock_mlops.stores.audit import Call

from api.errors import ErrorRenderer

log = get_logger(__name__)

# Probes, the documents that say how to log in, and what gives a session to who has none yet.
OPEN_PATHS = frozenset(
    {
        "/health",
        "/ready",
        "/metrics",
        "/api/openapi.json",
        "/api/docs",
        "/api/auth/login",
        "/api/auth/refresh",
        "/api/auth/logout",
    }
)
_ADMIN = ("/api/accounts", "/api/api-keys", "/api/audit")
# A ticket opens a socket that only reads.
_READING_CHANGES = ("/api/auth/ws-ticket",)
# What everybody has of their own.
_OWN = ("/api/watchlists",)
# What computes an answer and keeps nothing.
_COMPUTING = ("/backtest",)
_PREDICTING = ("/api/predict",)
# Their addresses are signed, for browsers that show them without saying who asks.
_SIGNED = ("/api/monitoring/pages", "/api/simulations/pages")
_TOO_MANY = 429
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@lru_cache(maxsize=4096)
def needed_scope(method: str, path: str) -> access.Scope | None:
    """What a caller needs for this; None: nothing at all."""
    path = path.rstrip("/") or "/"
    if path in OPEN_PATHS or _is_below(path, _SIGNED):
        return None
    if _is_below(path, _ADMIN):
        return access.Scope.ADMIN
    if method in _SAFE_METHODS or path in _READING_CHANGES or _is_below(path, _OWN) or path.endswith(_COMPUTING):
        return access.Scope.READ
    return access.Scope.PREDICT if _is_below(path, _PREDICTING) else access.Scope.WRITE


def _is_below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(root + "/") for root in roots)


class AccessMiddleware:
    """Lets in who may, tells the handlers who it is (``request.state.caller``), and enters changing calls in the audit
    log before they are answered.

    It sits outside of FastAPI, so it renders its refusals itself.
    """

    def __init__(self, app: ASGIApp, errors: ErrorRenderer) -> None:
        self.app = app
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        needed = needed_scope(scope["method"], scope["path"])
        state = scope["state"]
        if is_audited(scope["method"], needed):
            send = _audited(scope, send)
        if needed is not None:
            guard: Guard = state["resources"].access.guard
            try:
                state["caller"] = caller = await guard.identify(*_credentials(scope, guard))
                await guard.admit(caller, needed)
            except Exception as error:  # noqa: BLE001  rendered as the handlers' own errors are
                await self._refuse(error, scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if isinstance(error, StockMlopsError):
            REFUSED.labels(error.code).inc()
        answer = await self._errors.render(request, error)
        await answer(scope, receive, send)


def _audited(scope: Scope, send: Send) -> Send:
    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_news(scope, message["status"]):
            await anyio.to_thread.run_sync(_enter, scope, message["status"])
        await send(message)

    return noted


def _is_news(scope: Scope, status: int) -> bool:
    """Not what nobody known tries, nor what comes too often: both change nothing and could fill the log. But who tries
    to log in is told of."""
    known = "caller" in scope["state"] or scope["path"] in OPEN_PATHS
    return known and status != _TOO_MANY


def is_audited(method: str, needed: access.Scope | None) -> bool:
    """Changing calls. Predictions are left out: each is a row of its own, which the outbox guarantees; so are tickets,
    which change nothing. Log-ins are in: they are changes of who may come in."""
    return method not in _SAFE_METHODS and needed not in (access.Scope.PREDICT, access.Scope.READ)


def _enter(scope: Scope, status: int) -> None:
    caller: Caller | None = scope["state"].get("caller")
    call = Call(
        actor=caller.name if caller else "nobody",
        address=client_address(scope),
        method=scope["method"],
        path=scope["path"][:500],
        status=status,
        request_id=scope["state"].get("request_id"),
    )
    try:
        scope["state"]["resources"].access.audit.write(call)
    except Exception as error:  # noqa: BLE001  the change has happened; the service's log keeps it then
        AUDIT_FAILURES.inc()
        log.error("call_not_audited", actor=call.actor, method=call.method, path=call.path, status=status,
                  error=str(error))  # fmt: skip


def client_address(scope: Scope) -> str:
    """Whom the request came from; behind nginx what nginx says, which uvicorn has put here."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else "unknown"


def _credentials(scope: Scope, guard: Guard) -> tuple[str | None, str | None]:
    """The bearer token and the API key, as far as they were sent."""
    token = key = None
    if guard.enabled:
        for name, value in scope["headers"]:
            if name == b"authorization" and value[:7].lower() == b"bearer ":
                token = value[7:].strip().decode("latin-1")
            elif name == b"x-api-key":
                key = value.decode("latin-1")
    return token, key


def declare(operation: dict[str, Any], method: str, path: str, refusals: dict[int | str, dict[str, Any]]) -> None:
    """Say in an operation of the OpenAPI document what it needs and how it refuses."""
    needed = needed_scope(method.upper(), path)
    if needed is None:
        operation["security"] = []
        return
    operation["security"] = [{name: [str(needed)]} for name in SECURITY_SCHEMES]
    for status, answer in refusals.items():
        operation["responses"].setdefault(str(status), answer)


SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "the access token that `POST /api/auth/login` gives, good for some minutes",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "a key that `POST /api/api-keys` or `stock-mlops api-keys create` made",
    },
}
