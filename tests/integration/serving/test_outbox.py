"""Predictions that wait for Kafka, over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import socket
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text
from stock_kit.settings import Settings
from stock_mlops.services.relay import RELAY_LOCK
from stock_mlops.stores.outbox import Outbox, OutboxRow
from stock_mlops.stores.outbox_connection import OUTAGES, OutboxConnection
from stock_mlops.stores.postgres import advisory_lock
from stock_mlops.stores.schema import is_current

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TOPIC = "stock.predictions"


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
    (first,) = outbox.pending([str(same.id), str(uuid4())])
    assert (first.id, first.attempts) == (str(same.id), 1)
    assert 0 <= first.waited_seconds < 60
    assert outbox.payloads([str(same.id), str(uuid4())]) == {str(same.id): same.payload}


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
    assert set(seen) == {str(item.id) for item in rows}
    assert outbox.page("stock.alerts", None, 10) is None


def test_a_row_sent_again_goes_to_the_end(outbox: Outbox) -> None:
    first, second = row(), row()
    outbox.append([first])
    outbox.append([second])
    ids = [str(second.id), str(first.id)]
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
    assert (page.keys, str(same.id) in page.ids) == ([same.key], True)
    assert outbox.payload(same.id) == same.payload


def test_many_events_are_recorded_once_each_also_when_some_are_there(outbox: Outbox, settings: Settings) -> None:
    rows = [row()._replace(payload=f'{{"n": "{number} \t\\ \u53f0"}}') for number in range(300)]

    async def use(connection: OutboxConnection) -> None:
        await connection.append(rows[:1])
        await connection.append(rows[1:200])
        await connection.append(rows)
        await connection.append([row(), row()])
        connection.close()

    asyncio.run(use(OutboxConnection(settings.model_meta_db)))
    assert outbox.load().size == 302
    assert outbox.payloads([str(item.id) for item in rows]) == {str(item.id): item.payload for item in rows}


def test_a_database_that_does_not_listen_is_an_outage(settings: Settings) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        nobody = settings.model_meta_db.model_copy(update={"port": reserved.getsockname()[1]})
        with pytest.raises(OUTAGES):
            asyncio.run(OutboxConnection(nobody).append([row()]))


def test_one_relay_works_at_a_time(engine: Engine) -> None:
    with advisory_lock(engine, RELAY_LOCK) as mine, advisory_lock(engine, RELAY_LOCK) as theirs:
        assert (mine, theirs) == (True, False)
