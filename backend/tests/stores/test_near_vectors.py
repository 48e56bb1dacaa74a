from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import pytest
from stock_mlops.instruments import Instrument
from stock_mlops.stores import near_vectors
from stock_mlops.stores.near_vectors import NearVectorCache
from stock_mlops.stores.vectors import MemoryVectorCache, Miss, encode
from stock_mlops.stores.warehouse import FeatureVector

if TYPE_CHECKING:
    from backend.tests.conftest import MakeVector

pytestmark = pytest.mark.anyio

AAPL, IBM = Instrument("US", "AAPL"), Instrument("US", "IBM")
OLD, NEW = date(2012, 6, 28), date(2012, 6, 29)


async def cached(far: MemoryVectorCache, vector: FeatureVector, *, listening: bool = True) -> NearVectorCache:
    """A cache that has read the vector of AAPL once."""
    near = NearVectorCache(far)
    if listening:
        near.begin()
        near.heard(time.monotonic())
    miss = await near.get(AAPL)
    assert isinstance(miss, Miss)
    assert await near.put(AAPL, miss, vector)
    assert await near.get(AAPL) == vector
    return near


async def test_what_was_read_is_held_until_its_load_is_announced(make_vector: MakeVector) -> None:
    near = await cached(MemoryVectorCache(), make_vector())
    assert near.held(AAPL) == make_vector()
    near.forget(IBM.key)
    assert near.held(AAPL) == make_vector()
    near.forget(AAPL.key)
    assert near.held(AAPL) is None


async def test_nothing_is_held_while_nobody_announces_loads(make_vector: MakeVector) -> None:
    near = await cached(MemoryVectorCache(), make_vector(), listening=False)
    assert near.held(AAPL) is None
    near.begin()
    await near.get(AAPL)
    assert near.held(AAPL) is None
    near.heard(time.monotonic())
    assert near.held(AAPL) is not None
    near.end()
    assert near.held(AAPL) is None


async def test_a_vector_that_was_asked_for_before_a_load_is_not_held_after_it(make_vector: MakeVector) -> None:
    far = MemoryVectorCache()
    near = await cached(far, make_vector(OLD))
    asked, go_on = asyncio.Event(), asyncio.Event()
    answer = far.get

    async def slowly(instrument: Instrument) -> FeatureVector | Miss:
        found = await answer(instrument)
        asked.set()
        await go_on.wait()
        return found

    far.get = slowly  # type: ignore[method-assign]
    reading = asyncio.create_task(near.get(AAPL))
    await asked.wait()
    near.forget(AAPL.key)
    go_on.set()
    assert await reading == make_vector(OLD)
    assert near.held(AAPL) is None


async def test_what_was_read_at_once_is_held_unless_a_load_came_between(make_vector: MakeVector) -> None:
    far = MemoryVectorCache()
    near = await cached(far, make_vector(OLD))
    near.forget(AAPL.key)
    found = await near.get_many([IBM, AAPL])
    assert isinstance(found[IBM], Miss)
    assert found[AAPL] == near.held(AAPL) == make_vector(OLD)
    answer = far.get_many

    async def while_a_load_ends(instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector | Miss]:
        found = await answer(instruments)
        near.forget(AAPL.key)
        return found

    far.get_many = while_a_load_ends  # type: ignore[method-assign]
    assert await near.get_many([AAPL]) == {AAPL: make_vector(OLD)}
    assert near.held(AAPL) is None


async def test_copies_serve_while_redis_is_heard_and_none_forever(
    make_vector: MakeVector, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = await cached(MemoryVectorCache(), make_vector())
    start = time.monotonic()

    def at(seconds: float) -> FeatureVector | None:
        monkeypatch.setattr(near_vectors.time, "monotonic", lambda: start + seconds)
        return near.held(AAPL)

    assert at(0.9) == make_vector()
    assert at(1.1) is None
    near.heard(start + 1.0)
    assert at(1.9) == make_vector()
    near.heard(start + 31.0)
    assert at(31.0) is None


async def test_what_was_held_before_the_connection_was_made_anew_is_not_afterwards(make_vector: MakeVector) -> None:
    near = await cached(MemoryVectorCache(), make_vector())
    near.begin()
    near.heard(time.monotonic())
    assert near.held(AAPL) is None


async def test_what_is_read_again_unchanged_is_the_same_vector(make_vector: MakeVector) -> None:
    """What was made of it is found by it."""
    far = MemoryVectorCache()
    near = await cached(far, make_vector(OLD))
    first = near.held(AAPL)
    far.vectors[AAPL.key] = encode(make_vector(OLD))
    assert await near.get(AAPL) is first
    assert (await near.get_many([AAPL]))[AAPL] is first
    far.vectors[AAPL.key] = encode(make_vector(NEW))
    assert await near.get(AAPL) == near.held(AAPL) == make_vector(NEW)


async def test_copies_do_not_grow_without_bound(make_vector: MakeVector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_vectors, "_MOST", 1)
    far = MemoryVectorCache()
    near = await cached(far, make_vector())
    miss = await near.get(IBM)
    assert isinstance(miss, Miss)
    await near.put(IBM, miss, make_vector(NEW))
    await near.get(IBM)
    assert (near.held(AAPL), near.held(IBM)) == (None, make_vector(NEW))
