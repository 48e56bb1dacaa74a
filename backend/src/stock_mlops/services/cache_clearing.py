"""Forgetting what was cached of older data."""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from stock_mlops.instruments import Instrument
from stock_mlops.services.pipeline_metrics import CACHE_NOT_CLEARED
from stock_mlops.stores.read_cache import forget_reads
from stock_mlops.stores.vectors import VectorInvalidation

log = get_logger(__name__)

_REDIS_SECONDS = 2.0


def clear_caches(settings: Settings) -> Callable[[list[Instrument]], None]:
    """Makes the backends forget the vectors and the answers to reads of what was loaded.

    Without Redis they are served until their time to live ends; that must not fail a load.
    """
    redis = Redis.from_url(
        settings.redis.url(settings.redis.cache_db),
        socket_connect_timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
    )
    cache = VectorInvalidation(redis)

    def clear(instruments: list[Instrument]) -> None:
        try:
            cache.invalidate(instruments)
            forget_reads(redis, instruments)
        except RedisError as error:
            CACHE_NOT_CLEARED.inc()
            log.warning("caches_not_cleared", instruments=len(instruments), error=str(error))

    return clear
