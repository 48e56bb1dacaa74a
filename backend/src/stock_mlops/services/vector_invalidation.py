"""What a loading process does so that the API predicts from what was just loaded."""

from __future__ import annotations

import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError
from stock_kit.logging import get_logger
from stock_kit.settings import RedisSettings

from stock_mlops.instruments import Instrument
from stock_mlops.stores.vectors import VectorInvalidation

log = get_logger(__name__)

_TIMEOUT = 1.0
_ATTEMPTS = 3


def open_invalidation(settings: RedisSettings) -> Callable[[list[Instrument]], None]:
    """The ``on_loaded`` of an ingest.

    Redis being down must not fail a load whose data are safe in ClickHouse: it is tried three times, then logged as an
    error. What it keeps then is old until its time to live ends.
    """
    redis = Redis.from_url(settings.url(settings.cache_db), socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
    store = VectorInvalidation(redis)

    def invalidate(instruments: list[Instrument]) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                store.invalidate(instruments)
            except RedisError as error:
                failure = error
                time.sleep(0.2 * attempt)
            else:
                return
        log.error("vectors_not_invalidated", instruments=len(instruments), error=str(failure))

    return invalidate
