"""Databases of these tests' own in real PostgreSQL, ClickHouse and Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine, text
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.schema import is_current


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Engine:
    return get_engine(settings.model_meta_db)


@pytest.fixture
def cache_url(settings: Settings) -> Iterator[str]:
    url = settings.redis.url(9)
    redis.Redis.from_url(url).flushdb()  # other tests have used it as a broker
    yield url
    redis.Redis.from_url(url).flushdb()
