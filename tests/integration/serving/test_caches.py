"""What Redis holds of vectors and of answers, and how a load ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import redis
from redis.asyncio import Redis as AsyncRedis
from stock_mlops.instruments import Instrument
from stock_mlops.stores.near_vectors import NearVectorCache, listen
from stock_mlops.stores.read_cache import EVERYTHING, RedisReadCache, forget_reads
from stock_mlops.stores.vectors import LOADS_CHANNEL, Miss, RedisVectorCache, VectorInvalidation
from stock_mlops.stores.warehouse import FeatureVector

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

AAPL = Instrument("US", "AAPL")
MINUTE = timedelta(minutes=1)


def vector(session: date = date(2012, 6, 29)) -> FeatureVector:
    return FeatureVector(session, 100.0, {"return_1": 0.01}, "f", "d")


def with_cache(url: str, use: Callable[[RedisVectorCache, redis.Redis], Any]) -> None:
    async def run() -> None:
        client = AsyncRedis.from_url(url)
        try:
            with redis.Redis.from_url(url) as store:
                await use(RedisVectorCache(client, timedelta(minutes=1)), store)
        finally:
            await client.aclose()

    asyncio.run(run())


def test_what_was_put_is_found_and_ends_by_itself(cache_url: str) -> None:
    async def use(cache: RedisVectorCache, store: redis.Redis) -> None:
        miss = await cache.get(AAPL)
        assert isinstance(miss, Miss)
        assert await cache.put(AAPL, miss, vector())
        assert await cache.get(AAPL) == vector()
        lifetimes: list[Any] = [store.pttl(key) for key in store.scan_iter()]
        assert len(lifetimes) == 2
        assert min(lifetimes) > 0  # none for ever

    with_cache(cache_url, use)


def test_what_was_read_before_a_load_is_refused_after_it(cache_url: str) -> None:
    async def use(cache: RedisVectorCache, store: redis.Redis) -> None:
        before = await cache.get(AAPL)
        assert isinstance(before, Miss)
        VectorInvalidation(store).invalidate([AAPL, Instrument("US", "IBM")])
        assert not await cache.put(AAPL, before, vector())
        after = await cache.get(AAPL)
        assert isinstance(after, Miss)
        assert await cache.put(AAPL, after, vector(date(2012, 7, 2)))
        VectorInvalidation(store).invalidate([AAPL])
        assert isinstance(await cache.get(AAPL), Miss)

    with_cache(cache_url, use)


def test_many_are_looked_up_and_kept_as_each_by_itself(cache_url: str) -> None:
    async def use(cache: RedisVectorCache, store: redis.Redis) -> None:
        ibm, nobody = Instrument("US", "IBM"), Instrument("US", "NOBODY")
        found = await cache.get_many([AAPL, ibm, nobody])
        tokens = {item: miss for item, miss in found.items() if isinstance(miss, Miss)}
        assert list(tokens) == [AAPL, ibm, nobody]
        VectorInvalidation(store).invalidate([ibm])
        to_keep = {item: (tokens[item], vector()) for item in (AAPL, ibm)}
        assert await cache.put_many(to_keep) == {AAPL: True, ibm: False}
        again = await cache.get_many([AAPL, ibm, nobody])
        assert (again[AAPL], again[nobody]) == (vector(), tokens[nobody])
        assert again[ibm] == await cache.get(ibm) != tokens[ibm]

    with_cache(cache_url, use)


def test_a_load_ends_the_copy_that_another_process_holds(cache_url: str) -> None:
    async def use(cache: RedisVectorCache, store: redis.Redis) -> None:
        near = NearVectorCache(cache)
        client = AsyncRedis.from_url(cache_url)
        hearing = asyncio.create_task(listen(near, client))
        while not store.pubsub_numsub(LOADS_CHANNEL)[0][1]:
            await asyncio.sleep(0.01)
        miss = await near.get(AAPL)
        assert isinstance(miss, Miss)
        await near.put(AAPL, miss, vector())
        while near.held(AAPL) is None:  # until the subscription's answer was read
            await near.get(AAPL)
        held_since = time.monotonic()
        while time.monotonic() < held_since + 2:  # Redis goes on answering: nothing was announced
            assert near.held(AAPL) is not None
            await asyncio.sleep(0.01)
        VectorInvalidation(store).invalidate([AAPL])
        await ends(near, "by itself, not by the announcement")
        assert isinstance(await near.get(AAPL), Miss)
        hearing.cancel()
        await asyncio.wait([hearing])
        await client.aclose()

    with_cache(cache_url, use)


def test_what_was_announced_while_the_connection_was_broken_is_not_held(cache_url: str) -> None:
    async def use(cache: RedisVectorCache, store: redis.Redis) -> None:
        near = NearVectorCache(cache)
        client = AsyncRedis.from_url(cache_url)
        hearing = asyncio.create_task(listen(near, client))
        for _ in range(2):
            miss = await near.get(AAPL)
            if isinstance(miss, Miss):
                await near.put(AAPL, miss, vector())
            deadline = time.monotonic() + 5
            while near.held(AAPL) is None:
                await near.get(AAPL)
                assert time.monotonic() < deadline
            store.client_kill_filter(_type="pubsub")
            await ends(near, "only after the connection was made anew")
        hearing.cancel()
        await asyncio.wait([hearing])
        await client.aclose()

    with_cache(cache_url, use)


async def ends(near: NearVectorCache, how: str) -> None:
    """The copy, within less time than Redis may be silent."""
    started = time.monotonic()
    while near.held(AAPL) is not None:
        assert time.monotonic() - started < 0.5, f"ended {how}"
        await asyncio.sleep(0.01)


def test_an_emptied_redis_lets_no_old_vector_in(cache_url: str) -> None:
    async def use(cache: RedisVectorCache, store: redis.Redis) -> None:
        before = await cache.get(AAPL)
        assert isinstance(before, Miss)
        VectorInvalidation(store).invalidate([AAPL])
        store.flushdb()
        assert not await cache.put(AAPL, before, vector())

    with_cache(cache_url, use)


def test_many_instruments_are_invalidated_in_few_round_trips(cache_url: str) -> None:
    instruments = [Instrument("US", f"T{number}") for number in range(1200)]

    async def use(cache: RedisVectorCache, store: redis.Redis) -> None:
        miss = await cache.get(instruments[-1])
        assert isinstance(miss, Miss)
        await cache.put(instruments[-1], miss, vector())
        VectorInvalidation(store).invalidate(instruments)
        assert isinstance(await cache.get(instruments[-1]), Miss)

    with_cache(cache_url, use)


def reads(url: str) -> tuple[RedisReadCache, redis.Redis]:
    store = redis.Redis.from_url(url)
    return RedisReadCache(store), store


def test_an_answer_is_made_once_and_ends_by_itself(cache_url: str) -> None:
    cache, store = reads(cache_url)
    made = [cache.fetch(AAPL.key, "prices", lambda number=number: b"%d" % number, MINUTE) for number in (1, 2)]
    assert made == [b"1", b"1"]
    assert cache.fetch(AAPL.key, "features", lambda: b"3", MINUTE) == b"3"
    lifetimes: list[Any] = [store.pttl(key) for key in store.scan_iter()]
    assert len(lifetimes) == 3
    assert min(lifetimes) > 0  # none for ever


def test_a_load_ends_the_answers_about_its_instruments_and_about_all(cache_url: str) -> None:
    cache, store = reads(cache_url)
    scopes = (AAPL.key, "US:IBM", EVERYTHING)
    for scope in scopes:
        cache.fetch(scope, "x", lambda: b"old", MINUTE)
    forget_reads(store, [AAPL])
    assert [cache.fetch(scope, "x", lambda: b"new", MINUTE) for scope in scopes] == [b"new", b"old", b"new"]


@pytest.mark.parametrize("accident", ["load", "emptied"])
def test_what_was_read_before_a_load_is_never_given_after_it(cache_url: str, accident: str) -> None:
    cache, store = reads(cache_url)

    def slow() -> bytes:
        forget_reads(store, [AAPL])
        if accident == "emptied":
            store.flushdb()
        return b"old"

    assert cache.fetch(AAPL.key, "x", slow, MINUTE) == b"old"  # its caller had asked before
    assert cache.fetch(AAPL.key, "x", lambda: b"new", MINUTE) == b"new"


def test_a_large_answer_is_not_kept(cache_url: str) -> None:
    cache, store = reads(cache_url)
    cache.fetch(AAPL.key, "x", lambda: bytes(2**20), MINUTE)
    assert [key for key in store.scan_iter() if store.strlen(key) > 64] == []
