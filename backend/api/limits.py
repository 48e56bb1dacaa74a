"""How large a request's body may be: counted as it comes, whatever its headers claim."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem_response

_TOO_LARGE = "Content Too Large"


class BodyLimitMiddleware:
    """Refuses bodies that are too large (413) or compressed (415: a few bytes may unpack to gigabytes).

    Args:
        limit: of any body, in bytes.
        upload_limit: of the bodies sent to ``uploads``.
        uploads: paths that take files, without a slash at the end.
    """

    def __init__(self, app: ASGIApp, limit: int, upload_limit: int, uploads: Iterable[str]) -> None:
        self.app = app
        self._limit = limit
        self._upload_limit = upload_limit
        self._uploads = frozenset(uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        limit = self._upload_limit if scope["path"].rstrip("/") in self._uploads else self._limit
        length, encoding = _headers(scope)
        if encoding not in (b"", b"identity"):
            detail = f"expected a body without Content-Encoding, got {encoding[:40].decode('latin-1')}; send it plain"
            answer = problem_response(
                Request(scope), 415, title="Unsupported media type", detail=detail, code="unsupported_media_type",
                headers={"Accept-Encoding": "identity", "Connection": "close"},
            )  # fmt: skip
            await answer(scope, receive, send)
        elif length > limit:
            answer = problem_response(
                Request(scope), 413, title=_TOO_LARGE, detail=_detail(limit), code="content_too_large",
                # What is still on its way is not read; the connection cannot be used again.
                headers={"Connection": "close"},
            )  # fmt: skip
            await answer(scope, receive, send)
        else:
            await self.app(scope, _counted(receive, limit), send)


def _counted(receive: Receive, limit: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit:
                # FastAPI hands it on to the renderer of errors, from wherever it reads the body.
                raise HTTPException(413, _detail(limit), headers={"Connection": "close"})
        return message

    return counted


def _detail(limit: int) -> str:
    return f"expected a body of at most {limit:,} bytes; send less at once"


def _headers(scope: Scope) -> tuple[int, bytes]:
    length, encoding = 0, b""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"content-encoding":
            encoding = value.strip().lower()
    return length, encoding
