"""Databases of these tests' own in real PostgreSQL and ClickHouse."""

from __future__ import annotations

from zlib import crc32

import pytest
from sqlalchemy import Engine, text
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from stock_mlops.instruments import Instrument
from stock_mlops.services.ingest import Ingest
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.stores.warehouse import Warehouse

from tests.integration.data.frames import make_ingest


@pytest.fixture(scope="session")
def settings(local_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    local_stack.require("raw_db", "model_meta_db", "clickhouse")
    given = local_stack.settings
    for database in (given.raw_db, given.model_meta_db):
        with get_engine(database).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"CREATE DATABASE {database.database}_data"))
    own = given.model_copy(
        update={
            "raw_db": given.raw_db.model_copy(update={"database": "raw_db_data"}),
            "model_meta_db": given.model_meta_db.model_copy(update={"database": "model_meta_db_data"}),
            "clickhouse": given.clickhouse.model_copy(update={"database": "stock_data"}),
            "etl": given.etl.model_copy(update={"export_dir": tmp_path_factory.mktemp("exports")}),
        }
    )
    migrate(own)
    return own


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Engine:
    return get_engine(settings.raw_db)


@pytest.fixture(scope="session")
def raw(engine: Engine) -> RawPrices:
    return RawPrices(engine)


@pytest.fixture(scope="session")
def warehouse(settings: Settings) -> Warehouse:
    return Warehouse(open_client(settings.clickhouse))


@pytest.fixture
def ticker(request: pytest.FixtureRequest) -> Instrument:
    """An instrument of this test's own."""
    return Instrument("US", f"T{crc32(request.node.name.encode())}")


@pytest.fixture
def loaded() -> list[Instrument]:
    return []


@pytest.fixture
def ingest(
    settings: Settings, engine: Engine, raw: RawPrices, warehouse: Warehouse, loaded: list[Instrument]
) -> Ingest:
    return make_ingest(settings, engine, raw, warehouse, loaded)
