from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from stock_mlops.instruments import Instrument
from stock_mlops.services import vectors as service
from stock_mlops.services.vectors import Vectors
from stock_mlops.stores.vectors import MemoryVectorCache, decode, encode
from stock_mlops.stores.warehouse import FeatureVector

if TYPE_CHECKING:
    from backend.tests.conftest import MakeVector

pytestmark = pytest.mark.anyio

AAPL, IBM, MSFT = (Instrument("US", ticker) for ticker in ("AAPL", "IBM", "MSFT"))
OLD, NEW = date(2012, 6, 28), date(2012, 6, 29)


class Warehouse:
    """Knows one vector; can be held up in the middle of a read."""

    def __init__(self, vector: FeatureVector | None) -> None:
        self.vector = vector
        self.reads = 0
        self.reading = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def read(self, instrument: Instrument) -> FeatureVector | None:
        self.reads += 1
        found = self.vector
        self.reading.set()
        self.go_on.wait(5)
        return found

    def read_many(self, instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector]:
        found = self.read(instruments[0])
        return {} if found is None else dict.fromkeys(instruments, found)


async def test_the_second_read_comes_from_the_cache(make_vector: MakeVector) -> None:
    warehouse = Warehouse(make_vector())
    vectors = Vectors(MemoryVectorCache(), warehouse.read, warehouse.read_many)
    assert await vectors.newest(AAPL) == make_vector()
    assert await vectors.newest(AAPL) == make_vector()
    assert warehouse.reads == 1


async def test_reads_at_the_same_time_share_one_look_up(make_vector: MakeVector) -> None:
    warehouse = Warehouse(make_vector())
    vectors = Vectors(MemoryVectorCache(), warehouse.read, warehouse.read_many)
    assert len(set(map(id, await asyncio.gather(*(vectors.newest(AAPL) for _ in range(20)))))) == 1
    assert warehouse.reads == 1


async def test_many_come_from_the_cache_and_the_rest_from_the_warehouse_at_once(make_vector: MakeVector) -> None:
    cache, warehouse = MemoryVectorCache(), Warehouse(make_vector())
    vectors = Vectors(cache, warehouse.read, warehouse.read_many)
    await vectors.newest(AAPL)
    assert await vectors.newest_many([IBM, AAPL, MSFT]) == [make_vector()] * 3
    assert warehouse.reads == 2
    assert await vectors.newest_many([IBM, AAPL, MSFT]) == [make_vector()] * 3
    assert warehouse.reads == 2
    cache.error = RedisConnectionError("down")
    assert await vectors.newest_many([IBM, AAPL]) == [make_vector()] * 2
    assert warehouse.reads == 3
    warehouse.vector = None
    assert await vectors.newest_many([IBM, AAPL]) == [None, None]


async def test_a_slow_read_of_many_neither_keeps_nor_returns_what_a_load_has_replaced(make_vector: MakeVector) -> None:
    cache, warehouse = MemoryVectorCache(), Warehouse(make_vector(OLD))
    warehouse.go_on.clear()
    vectors = Vectors(cache, warehouse.read, warehouse.read_many)
    reading = asyncio.create_task(vectors.newest_many([AAPL, IBM]))
    await asyncio.to_thread(warehouse.reading.wait, 5)
    warehouse.vector = make_vector(NEW)
    cache.invalidate([AAPL])
    warehouse.go_on.set()
    assert await reading == [make_vector(NEW), make_vector(OLD)]
    assert await vectors.newest(AAPL) == make_vector(NEW)


async def test_a_caller_that_goes_away_leaves_the_look_up_to_the_others(make_vector: MakeVector) -> None:
    warehouse = Warehouse(make_vector())
    warehouse.go_on.clear()
    vectors = Vectors(MemoryVectorCache(), warehouse.read, warehouse.read_many)
    impatient, patient = (asyncio.create_task(vectors.newest(AAPL)) for _ in range(2))
    await asyncio.to_thread(warehouse.reading.wait, 5)
    impatient.cancel()
    warehouse.go_on.set()
    assert await patient == make_vector()


async def test_an_instrument_without_data_is_asked_for_again_each_time() -> None:
    warehouse = Warehouse(None)
    vectors = Vectors(MemoryVectorCache(), warehouse.read, warehouse.read_many)
    assert await vectors.newest(AAPL) is None
    assert await vectors.newest(AAPL) is None
    assert warehouse.reads == 2


async def test_a_slow_reader_neither_keeps_nor_returns_what_a_load_has_replaced(make_vector: MakeVector) -> None:
    cache, warehouse = MemoryVectorCache(), Warehouse(make_vector(OLD))
    warehouse.go_on.clear()
    vectors = Vectors(cache, warehouse.read, warehouse.read_many)
    reading = asyncio.create_task(vectors.newest(AAPL))
    await asyncio.to_thread(warehouse.reading.wait, 5)
    warehouse.vector = make_vector(NEW)  # the load writes ClickHouse,
    cache.invalidate([AAPL])  # then invalidates
    warehouse.go_on.set()

    assert await reading == make_vector(NEW)
    assert await vectors.newest(AAPL) == make_vector(NEW)


async def test_redis_down_costs_time_and_nothing_else(make_vector: MakeVector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_COOL_DOWN", 0.05)
    cache, warehouse = MemoryVectorCache(), Warehouse(make_vector())
    cache.error = RedisConnectionError("connection refused")
    vectors = Vectors(cache, warehouse.read, warehouse.read_many)
    assert await vectors.newest(AAPL) == make_vector()
    assert await vectors.newest(AAPL) == make_vector()
    assert warehouse.reads == 2

    cache.error = None
    await asyncio.sleep(0.06)
    await vectors.newest(AAPL)
    await vectors.newest(AAPL)
    assert warehouse.reads == 3  # once more to fill the cache, then no more


async def test_errors_of_the_warehouse_reach_every_caller() -> None:
    def broken(_: object) -> Any:
        raise ConnectionError("refused")

    vectors = Vectors(MemoryVectorCache(), broken, broken)
    calls = (vectors.newest(AAPL), vectors.newest(AAPL), vectors.newest_many([AAPL, IBM]))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError] * 3


def test_a_vector_survives_its_encoding(make_vector: MakeVector) -> None:
    vector = make_vector(rsi_14=-0.1 + 0.3)
    assert decode(encode(vector)) == vector
