"""Answers to reads: from the cache where they are still right, and not at all where the caller has them already."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from stock_kit.logging import get_logger
from stock_mlops.services.serving_metrics import READ_CACHE_ERRORS, READ_CACHE_READS
from stock_mlops.stores.read_cache import ReadCache

log = get_logger(__name__)

_JSON = "application/json"
# After a failure Redis is left alone for so long: otherwise every request would wait for its time-out.
_COOL_DOWN = 1.0

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Not Modified: what the ETag in If-None-Match stands for is still the answer"}
}
"""For ``responses=`` of a route that answers with :func:`tagged`."""


class CachedReads:
    """A cache that only saves time: when it fails, the failure is counted and said once, and the answer is made.

    Failing open on purpose, in this one place. Thread-safe.
    """

    def __init__(self, cache: ReadCache) -> None:
        self._cache = cache
        self._retry_at = 0.0
        self._failing = False

    def fetch(self, scope: str, name: str, make: Callable[[], bytes], ttl: timedelta) -> bytes:
        """See :class:`stock_mlops.stores.read_cache.ReadCache`; errors of ``make`` are the caller's."""
        if time.monotonic() < self._retry_at:
            return make()
        made: list[bytes] = []

        def once() -> bytes:
            made.append(make())
            return made[0]

        try:
            body = self._cache.fetch(scope, name, once, ttl)
        except RedisError as error:
            READ_CACHE_ERRORS.inc()
            self._retry_at = time.monotonic() + _COOL_DOWN
            if not self._failing:
                self._failing = True
                log.warning("read_cache_down", error=str(error))
            # It may have failed after the answer was made.
            return made[0] if made else make()
        if self._failing:
            self._failing = False
            log.info("read_cache_back")
        READ_CACHE_READS.labels("miss" if made else "hit").inc()
        return body


def tagged(request: Request, body: bytes, media_type: str = _JSON, **headers: str) -> Response:
    """``body`` with its ETag, or 304 without it when the caller has the same one.

    The tag is of the content, so it cannot be right for anything else; the caller has to ask every time.
    """
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    known = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept", **headers}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=known)
    return Response(body, headers=known, media_type=media_type)


def _has(if_none_match: str, tag: str) -> bool:
    """By weak comparison (RFC 9110, 13.1.2): nginx weakens the tag of what it compresses."""
    given = [item.strip().removeprefix("W/") for item in if_none_match.split(",")]
    return tag in given or given == ["*"]
