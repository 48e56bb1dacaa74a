"""One-time tickets with which a browser opens a WebSocket: its address is the only thing that a page can give one."""

from __future__ import annotations

import secrets
from datetime import timedelta

from redis import Redis
from redis.exceptions import RedisError
from stock_kit.tokens import ticket_key

from stock_mlops.errors import DependencyUnavailableError


class Tickets:
    def __init__(self, redis: Redis, lifetime: timedelta) -> None:
        self._redis = redis
        self._lifetime_ms = int(lifetime.total_seconds() * 1000)

    def issue(self, name: str) -> str:
        """A new ticket; ws_monitor takes it once.

        Raises:
            DependencyUnavailableError: Redis does not answer.
        """
        ticket = secrets.token_urlsafe(32)
        try:
            self._redis.set(ticket_key(ticket), name, px=self._lifetime_ms)
        except RedisError as error:
            raise DependencyUnavailableError("Redis", str(error).splitlines()[0]) from error
        return ticket
