"""Predictions that wait for Kafka, over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import socket
from runpy import run_path
from uuid import UUID, uuid4

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from stock_kit.settings import Settings
from stock_mlops.services.relay import RELAY_LOCK
from stock_mlops.stores.outbox import Outbox, OutboxRow
from stock_mlops.stores.outbox_batches import OutboxBatches
from stock_mlops.stores.outbox_connection import OUTAGES, OutboxConnection
from stock_mlops.stores.postgres import advisory_lock
from stock_mlops.stores.schema import is_current

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TOPIC = "stock.predictions"


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE outbox, outbox_batches"))
    return Outbox(engine)


def row() -> OutboxRow:
    return OutboxRow(str(uuid4()), TOPIC, "US:AAPL", '{"with": "quotes \' and % signs"}')


def test_the_schema_is_known_to_be_current_without_the_migration_tool(settings: Settings) -> None:
    assert is_current(settings)


def test_an_event_recorded_twice_is_one_row(outbox: Outbox) -> None:
    same = row()
    outbox.append([same, row()])
    outbox.append([same])
    assert outbox.load().size == 2
    (first,) = outbox.pending([same.id, str(uuid4())])
    assert (first.id, first.attempts) == (same.id, 1)
    assert 0 <= first.waited_seconds < 60
    assert outbox.payloads([same.id, str(uuid4())]) == {same.id: same.payload}


def test_pages_show_every_row_once_also_when_they_were_sent_at_the_same_moment(outbox: Outbox) -> None:
    rows = [row() for _ in range(25)]
    outbox.append(rows)  # one statement: one sent_at for all
    seen, last = [], None
    while page := outbox.page(TOPIC, last, 10):
        assert page.keys == ["US:AAPL"]
        assert 0 <= page.longest_wait < 60
        seen += page.ids
        last = page.last
    assert len(seen) == 25
    assert set(seen) == {item.id for item in rows}
    assert outbox.page("stock.alerts", None, 10) is None


def test_a_row_sent_again_goes_to_the_end(outbox: Outbox) -> None:
    first, second = row(), row()
    outbox.append([first])
    outbox.append([second])
    ids = [second.id, first.id]
    outbox.mark_sent(ids[1:])
    assert (page := outbox.page(TOPIC, None, 10))
    assert page.ids == ids
    assert [(item.id, item.attempts) for item in outbox.pending(ids)] == [(ids[0], 1), (ids[1], 2)]
    outbox.delete({ids[1]})
    assert (page := outbox.page(TOPIC, None, 10))
    assert page.ids == ids[:1]


def test_an_event_of_some_kilobytes_is_kept_as_it_is(outbox: Outbox, engine: Engine) -> None:
    """Compressing what is deleted seconds later takes longer than its commit."""
    large = row()._replace(payload=f'{{"inputs": {[0.25] * 800}}}')
    outbox.append([large])
    with engine.begin() as connection:
        stored = connection.execute(text("SELECT pg_column_size(payload), octet_length(payload) FROM outbox")).one()
    assert stored[0] >= stored[1] == len(large.payload)


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
    same = row()._replace(payload='{"a": "\u00e9 \u53f0"}')

    async def use(connection: OutboxConnection) -> None:
        await connection.append([same, row()])
        await connection.append([same])
        connection.close()

    asyncio.run(use(OutboxConnection(settings.model_meta_db)))
    assert outbox.load().size == 2
    assert (page := outbox.page(TOPIC, None, 10))
    assert (page.keys, same.id in page.ids) == ([same.key], True)
    assert outbox.payload(UUID(same.id)) == same.payload


def many(count: int = 300) -> list[OutboxRow]:
    """More than requests that share a commit by chance."""
    return [row()._replace(key=f"US:S{number}", payload=f'{{"n": "{number} \t\\ \u53f0"}}') for number in range(count)]


def commit(settings: Settings, *calls: list[OutboxRow]) -> None:
    async def use(connection: OutboxConnection) -> None:
        for rows in calls:
            await connection.append(rows)
        connection.close()

    asyncio.run(use(OutboxConnection(settings.model_meta_db)))


def test_many_events_are_one_row_and_recorded_once_however_often(
    outbox: Outbox, engine: Engine, settings: Settings
) -> None:
    rows = many()
    commit(settings, rows, rows, [row(), row()])
    assert outbox.load().size == 302
    assert 0 < outbox.load().oldest_seconds < 60
    batches = OutboxBatches(engine)
    assert batches.waiting(TOPIC) == [rows[0].id]
    assert batches.waiting("stock.alerts") == []
    batch = batches.get(rows[0].id)
    assert batch
    assert batch.ids == [item.id for item in rows]
    assert batch.keys == [item.key for item in rows]
    assert 0 <= batch.waited < 60
    for item in (rows[0], rows[150], rows[-1]):
        assert outbox.payload(UUID(item.id)) == item.payload
    assert outbox.payload(uuid4()) is None
    batches.delete(batch.id)
    assert batches.get(batch.id) is None
    assert outbox.load().size == 2


def test_what_is_missing_of_a_batch_becomes_rows_that_wait_since_it_was_recorded(
    outbox: Outbox, engine: Engine, settings: Settings
) -> None:
    rows = many()
    commit(settings, rows)
    batches = OutboxBatches(engine)
    batch = batches.get(rows[0].id)
    assert batch
    batches.unpack(batch.id, {item.id for item in rows[:100]})
    batches.unpack(batch.id, set())  # it is gone
    assert batches.waiting(TOPIC) == []
    assert outbox.load().size == 200
    assert (page := outbox.page(TOPIC, None, 1000))
    assert set(page.ids) == {item.id for item in rows[100:]}
    assert (page.oldest, page.last.at) == (batch.recorded, batch.recorded)
    assert set(page.keys) == {item.key for item in rows[100:]}
    assert outbox.payloads(page.ids) == {item.id: item.payload for item in rows[100:]}
    assert outbox.payload(UUID(rows[100].id)) == rows[100].payload
    assert {item.attempts for item in outbox.pending(page.ids)} == {1}


def test_a_batch_that_is_stored_as_a_whole_leaves_no_row(outbox: Outbox, engine: Engine, settings: Settings) -> None:
    rows = many()
    commit(settings, rows)
    OutboxBatches(engine).unpack(rows[0].id, {item.id for item in rows})
    assert outbox.load().size == 0


def test_many_events_of_several_topics_are_rows(outbox: Outbox, engine: Engine, settings: Settings) -> None:
    commit(settings, [*many(), row()._replace(topic="stock.alerts")])
    assert OutboxBatches(engine).waiting(TOPIC) == []
    assert outbox.load().size == 301


def test_the_table_of_batches_is_not_dropped_with_events_in_it(
    outbox: Outbox, engine: Engine, settings: Settings
) -> None:
    def downgrade() -> None:
        with engine.begin() as connection:
            context = MigrationContext.configure(connection)
            with Operations.context(context):
                run_path(str(settings.path("db/postgres/model_meta_db/0013_outbox_batches.py")))["downgrade"]()
            connection.rollback()

    downgrade()
    commit(settings, many())
    with pytest.raises(DBAPIError, match="expected no events in outbox_batches"):
        downgrade()


def test_a_database_that_does_not_listen_is_an_outage(settings: Settings) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nobody = settings.model_meta_db.model_copy(update={"port": reserved.getsockname()[1]})
        with pytest.raises(OUTAGES):
            asyncio.run(OutboxConnection(nobody).append([row()]))


def test_one_relay_works_at_a_time(engine: Engine) -> None:
    with advisory_lock(engine, RELAY_LOCK) as mine, advisory_lock(engine, RELAY_LOCK) as theirs:
        assert (mine, theirs) == (True, False)
