"""Calls that come by the thousand, answered without FastAPI's machinery.

Its layers of middleware, exit stacks, dependencies and a body that is parsed before it is validated take longer than a
prediction does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import ErrorRenderer


class QuickRoute(APIRoute):
    """A POST whose endpoint is ``async def endpoint(body: Model, request: Request) -> Response``."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._model: type[BaseModel] = get_type_hints(endpoint)["body"]

    def accepted(self, scope: Scope, messages: list[Message]) -> BaseModel | None:
        """The body, when it is complete, called JSON, and what the model expects."""
        if messages[-1]["type"] != "http.request" or not _is_json(scope["headers"]):
            return None
        try:
            return self._model.model_validate_json(b"".join([message.get("body", b"") for message in messages]))
        except ValidationError:
            return None


class QuickCalls:
    """Calls the endpoint of a :class:`QuickRoute` itself when the body is plainly right. Whatever else comes goes on to
    FastAPI, from its first byte on: that is what words refusals, and what the OpenAPI document is made of.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[Any], errors: ErrorRenderer) -> None:
        self.app = app
        self._routes = {route.path: route for route in routes if isinstance(route, QuickRoute)}
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        quick = scope["type"] == "http" and scope["method"] == "POST"
        route = self._routes.get(scope["path"]) if quick else None
        if route is None:
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        request = Request(scope, receive)
        try:
            while not messages or messages[-1].get("more_body"):
                messages.append(await receive())
            body = route.accepted(scope, messages)
            response = None if body is None else await self._respond(route, body, request)
        except Exception as error:  # noqa: BLE001  rendered as FastAPI's handlers would
            response = await self._errors.render(request, error)
        if response is None:
            await self.app(scope, _again(messages, receive), send)
        else:
            await response(scope, receive, send)

    @staticmethod
    async def _respond(route: QuickRoute, body: BaseModel, request: Request) -> Response:
        request.scope["route"] = route
        response: Response = await route.endpoint(body, request)
        return response


def _is_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value == b"application/json" for name, value in headers)


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was received already, and then what comes."""
    left = iter(messages)

    async def again() -> Message:
        return next(left, None) or await receive()

    return again
