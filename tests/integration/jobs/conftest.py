"""Jobs of these tests' own in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from stock_local.testing import LocalStack
from stock_mlops.services.jobs import (
    JobRunner,
    Reaper,
)
from stock_mlops.stores.job_upkeep import JobUpkeep
from stock_mlops.stores.jobs import Jobs
from stock_mlops.stores.migrations import migrate_postgres
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.queue import MemoryQueue

from tests.integration.jobs.running import SETTINGS


@pytest.fixture(scope="session")
def engine(local_stack: LocalStack) -> Iterator[Engine]:
    """Databases of its own: reapers and workers of a running stack must not take these jobs."""
    local_stack.require("model_meta_db")
    server = local_stack.settings.model_meta_db
    databases = {name: server.model_copy(update={"database": f"test_jobs_{name}"}) for name in ("meta", "raw")}
    with get_engine(server).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for settings in databases.values():
            connection.execute(text(f"CREATE DATABASE {settings.database}"))
    migrate_postgres(
        local_stack.settings.model_copy(update={"model_meta_db": databases["meta"], "raw_db": databases["raw"]})
    )
    yield get_engine(databases["meta"])
    get_engine(databases["meta"]).dispose()


@pytest.fixture
def jobs(engine: Engine) -> Iterator[Jobs]:
    yield Jobs(engine, SETTINGS)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM jobs"))


@pytest.fixture
def upkeep(engine: Engine) -> JobUpkeep:
    return JobUpkeep(engine, SETTINGS)


@pytest.fixture
def queue() -> MemoryQueue:
    return MemoryQueue()


@pytest.fixture
def runner(engine: Engine, jobs: Jobs) -> JobRunner:
    return JobRunner(engine, SETTINGS, "worker-1")


@pytest.fixture
def reaper(engine: Engine, queue: MemoryQueue) -> Reaper:
    return Reaper(engine, queue, SETTINGS)
