"""What the prediction path stores and reads, over real PostgreSQL, ClickHouse and Redis."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from clickhouse_connect.driver.client import Client
from redis.asyncio import Redis as AsyncRedis
from sqlalchemy import Engine, text
from stock_kit.clock import wall_now
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.instruments import Instrument
from stock_mlops.services.relay import RELAY_LOCK
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.near_vectors import NearVectorCache, listen
from stock_mlops.stores.outbox import Outbox, OutboxRow
from stock_mlops.stores.outbox_connection import OUTAGES, OutboxConnection
from stock_mlops.stores.postgres import advisory_lock, get_engine
from stock_mlops.stores.predictions import COLUMNS, Page, PredictionFilter, Predictions
from stock_mlops.stores.read_cache import EVERYTHING, RedisReadCache, forget_reads
from stock_mlops.stores.schema import is_current
from stock_mlops.stores.settlements import Settlements
from stock_mlops.stores.vectors import LOADS_CHANNEL, Miss, RedisVectorCache, VectorInvalidation
from stock_mlops.stores.warehouse import FeatureVector

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TOPIC = "stock.predictions"
MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)
AAPL = Instrument("US", "AAPL")


@pytest.fixture(scope="module")
def settings(local_stack: LocalStack) -> Settings:
    """Databases of these tests' own, not migrated yet."""
    local_stack.require("raw_db", "model_meta_db", "clickhouse", "redis")
    given = local_stack.settings
    for database in (given.raw_db, given.model_meta_db):
        with get_engine(database).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {database.database}_serving"))
    own = given.model_copy(
        update={
            "raw_db": given.raw_db.model_copy(update={"database": "raw_db_serving"}),
            "model_meta_db": given.model_meta_db.model_copy(update={"database": "model_meta_db_serving"}),
            "clickhouse": given.clickhouse.model_copy(update={"database": "stock_serving"}),
        }
    )
    open_client(own.clickhouse, database="").command("CREATE DATABASE stock_serving")
    assert not is_current(own)
    migrate(own)
    return own


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Engine:
    return get_engine(settings.model_meta_db)


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE outbox"))
    return Outbox(engine)


def row() -> OutboxRow:
    return OutboxRow(uuid4(), TOPIC, "US:AAPL", '{"with": "quotes \' and % signs"}')


def test_the_schema_is_known_to_be_current_without_the_migration_tool(settings: Settings) -> None:
    assert is_current(settings)


def test_an_event_recorded_twice_is_one_row(outbox: Outbox) -> None:
    same = row()
    outbox.append([same, row()])
    outbox.append([same])
    assert outbox.load().size == 2
    (first, *_) = [found for found in outbox.page(TOPIC, None, 10) if found.id == same.id]
    assert first.attempts == 1
    assert outbox.payloads([same.id, uuid4()]) == {same.id: same.payload}


def test_pages_show_every_row_once_also_when_they_were_sent_at_the_same_moment(outbox: Outbox) -> None:
    rows = [row() for _ in range(25)]
    outbox.append(rows)  # one statement: one sent_at for all
    seen, last = [], None
    while page := outbox.page(TOPIC, last, 10):
        seen += [item.id for item in page]
        last = page[-1]
    assert len(seen) == 25
    assert set(seen) == {item.id for item in rows}


def test_a_row_sent_again_goes_to_the_end(outbox: Outbox) -> None:
    first, second = row(), row()
    outbox.append([first])
    outbox.append([second])
    outbox.mark_sent([first.id])
    assert [(item.id, item.attempts) for item in outbox.page(TOPIC, None, 10)] == [(second.id, 1), (first.id, 2)]
    outbox.delete([first.id])
    assert [item.id for item in outbox.page(TOPIC, None, 10)] == [second.id]


def terminate_others(engine: Engine) -> None:
    with engine.begin() as other:
        other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = :db"
            ),
            {"db": engine.url.database},
        )


def test_the_committing_connection_outlives_a_restart_of_its_server(
    outbox: Outbox, engine: Engine, settings: Settings
) -> None:
    async def use(connection: OutboxConnection) -> None:
        await connection.append([row()])
        await asyncio.to_thread(terminate_others, engine)
        await connection.append([row(), row()])
        connection.close()

    asyncio.run(use(OutboxConnection(settings.model_meta_db)))
    assert outbox.load().size == 3


def test_the_committing_connection_records_an_event_once_and_as_it_came(outbox: Outbox, settings: Settings) -> None:
    same = replace(row(), payload='{"a": "\u00e9 \u53f0"}')

    async def use(connection: OutboxConnection) -> None:
        await connection.append([same, row()])
        await connection.append([same])
        connection.close()

    asyncio.run(use(OutboxConnection(settings.model_meta_db)))
    assert outbox.load().size == 2
    (stored,) = [found for found in outbox.page(TOPIC, None, 10) if found.id == same.id]
    assert stored.key == same.key
    assert outbox.payload(same.id) == same.payload


def test_a_database_that_does_not_listen_is_an_outage(settings: Settings) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nobody = settings.model_meta_db.model_copy(update={"port": reserved.getsockname()[1]})
        with pytest.raises(OUTAGES):
            asyncio.run(OutboxConnection(nobody).append([row()]))


def test_one_relay_works_at_a_time(engine: Engine) -> None:
    with advisory_lock(engine, RELAY_LOCK) as mine, advisory_lock(engine, RELAY_LOCK) as theirs:
        assert (mine, theirs) == (True, False)


# --- vectors ---


@pytest.fixture
def cache_url(settings: Settings) -> Iterator[str]:
    url = settings.redis.url(9)
    redis.Redis.from_url(url).flushdb()  # other tests have used it as a broker
    yield url
    redis.Redis.from_url(url).flushdb()


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
        VectorInvalidation(store).invalidate([AAPL])
        invalidated = time.monotonic()
        while near.held(AAPL) is not None:
            assert time.monotonic() - invalidated < 0.5, "ended by itself, not by the announcement"
            await asyncio.sleep(0.01)
        assert isinstance(await near.get(AAPL), Miss)
        hearing.cancel()
        await asyncio.wait([hearing])
        await client.aclose()

    with_cache(cache_url, use)


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


# --- answers to reads ---

MINUTE = timedelta(minutes=1)


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


# --- predictions ---


@pytest.fixture
def client(settings: Settings) -> Client:
    client = open_client(settings.clickhouse)
    for table in ("predictions", "predictions_by_time", "settlements", "settlements_by_time", "prices"):
        client.command(f"TRUNCATE TABLE {table}")
    return client


@pytest.fixture
def predictions(client: Client) -> Predictions:
    return Predictions(lambda: client)


def store(client: Client, number: int, **values: Any) -> UUID:
    known: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "prediction_id": UUID(int=number),
        "exchange": "US",
        "ticker": "AAPL",
        "made_at": MADE,
        "as_of": date(2005, 2, 25),
        "target_session": date(2005, 2, 28),
        "horizon": 1,
        "last_close": 88.0,
        "predicted_return": 0.0,
        "predicted_close": 88.0,
        "levels": [],
        "lowers": [],
        "uppers": [],
        "model_name": "stock-US-AAPL",
        "model_type": "ridge",
        "fallback": False,
        "stale": False,
        "out_of_range": [],
        "feature_version": "f",
        "data_version": "d",
        "origin": "api",
    }
    client.insert("predictions", [[(known | values)[name] for name in COLUMNS]], column_names=list(COLUMNS))
    return UUID(int=number)


def price(client: Client, session: date, close: float, version: int = 1) -> None:
    names = ("exchange", "ticker", "session", "open", "high", "low", "close", "volume", "raw_close", "factor")
    row = ("US", "AAPL", session, close, close, close, close, 1.0, close * 2, 0.5)
    columns = [*names, "dividend", "split", "source", "version"]
    client.insert("prices", [[*row, 0.0, 1.0, "file", version]], column_names=columns)


def all_pages(predictions: Predictions, limit: int) -> list[UUID]:
    found: list[UUID] = []
    page: Page = predictions.page(PredictionFilter(), limit)
    found += [item.event.prediction_id for item in page.items]
    while page.next_cursor is not None:
        page = predictions.page(PredictionFilter(), limit, Cursor.decode(page.next_cursor.encode()))
        found += [item.event.prediction_id for item in page.items]
    return found


def test_pages_hold_every_prediction_once_newest_first_also_the_ones_stored_twice(
    predictions: Predictions, client: Client
) -> None:
    for number in range(1, 24):
        # Threes share a moment, so that pages end inside one.
        store(client, number, made_at=MADE + timedelta(microseconds=number // 3))
    for number in (1, 5, 9, 20):
        store(client, number, made_at=MADE + timedelta(microseconds=number // 3))
    found = all_pages(predictions, limit=4)
    assert len(found) == 23
    assert set(found) == {UUID(int=number) for number in range(1, 24)}
    assert found == all_pages(predictions, limit=500)
    assert [item.int // 3 for item in found] == sorted((item.int // 3 for item in found), reverse=True)


def test_every_filter_narrows(predictions: Predictions, client: Client) -> None:
    plain = store(client, 1, model_version="2")
    other = store(client, 2, ticker="IBM", model_name="random_walk", origin="replay", target_session=date(2005, 3, 1))

    def ids(**wanted: Any) -> set[UUID]:
        return {item.event.prediction_id for item in predictions.page(PredictionFilter(**wanted), 10).items}

    assert ids() == {plain, other}
    for wanted in (
        {"ticker": "AAPL"},
        {"model": "stock-US-AAPL"},
        {"origin": "api"},
        {"end": date(2005, 2, 28)},
        {"version": "2"},
    ):
        assert ids(**wanted) == {plain}
    assert ids(start=date(2005, 3, 1), end=date(2005, 3, 1), exchange="US") == {other}
    assert ids(exchange="TW") == set()
    assert ids(ticker="' OR 1=1 --") == set()


def settle_all(client: Client) -> None:
    """At a moment of its own, as each pass has to be."""
    Settlements(lambda: client).settle([AAPL, Instrument("US", "IBM")], wall_now())


def test_the_outcome_compares_adjusted_with_adjusted_closes_of_the_newest_version(
    predictions: Predictions, client: Client
) -> None:
    store(client, 1)
    price(client, date(2005, 2, 25), 44.0)
    settle_all(client)
    (item,) = predictions.page(PredictionFilter(), 10).items
    assert (item.actual_close, item.error_pct) == (None, None)
    price(client, date(2005, 2, 28), 99.0, version=1)
    settle_all(client)
    price(client, date(2005, 2, 28), 44.86, version=2)
    settle_all(client)
    for wanted in (PredictionFilter(), PredictionFilter("US", "AAPL"), PredictionFilter(settled=True)):
        (item,) = predictions.page(wanted, 10).items
        assert item.actual_close == pytest.approx(88.0 * 44.86 / 44.0)
        assert item.error_pct == pytest.approx(88.0 / item.actual_close - 1)


@pytest.mark.parametrize("ticker", [None, "AAPL"])
def test_pages_of_settled_predictions_leave_the_open_ones_out(
    predictions: Predictions, client: Client, ticker: str | None
) -> None:
    for day, close in ((date(2005, 2, 25), 44.0), (date(2005, 2, 28), 45.0)):
        price(client, day, close)
    for number in range(1, 13):
        target = date(2005, 2, 28) if number % 2 else date(2005, 3, 1)
        store(client, number, made_at=MADE + timedelta(microseconds=number // 3), target_session=target)
    store(client, 1, made_at=MADE)
    settle_all(client)
    wanted = PredictionFilter(ticker=ticker, settled=True)
    first = predictions.page(wanted, 4)
    assert first.next_cursor is not None
    second = predictions.page(wanted, 4, first.next_cursor)
    found = [item.event.prediction_id.int for item in (*first.items, *second.items)]
    assert found == [11, 9, 7, 5, 3, 1]
    assert second.next_cursor is None
    assert all(item.actual_close is not None for item in (*first.items, *second.items))


def test_both_orders_give_the_same_page(predictions: Predictions, client: Client) -> None:
    for number in range(1, 30):
        store(client, number, made_at=MADE + timedelta(microseconds=number // 4))
    by_time, by_ticker = (predictions.page(PredictionFilter(ticker=ticker), 500) for ticker in (None, "AAPL"))
    assert by_time == by_ticker
    assert len(by_time.items) == 29


def test_ids_that_are_stored_are_told_from_those_that_are_not(predictions: Predictions, client: Client) -> None:
    stored = {store(client, 1), store(client, 2, ticker="IBM"), store(client, 2, ticker="IBM")}
    asked = [*stored, UUID(int=3)]
    assert predictions.existing(asked, ["US:AAPL", "US:IBM"]) == stored
    assert predictions.existing([], []) == set()
