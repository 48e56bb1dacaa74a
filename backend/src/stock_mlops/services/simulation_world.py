"""Where a simulation happens: a platform of its own on the same servers. Nothing of it is in a live table, a live list,
a topic or a cache, and nothing live is in it. See ``docs/decisions/0017-a-simulation-is-a-platform-of-its-own.md``."""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from uuid import UUID

from sqlalchemy import text
from stock_kit.server_settings import PostgresSettings
from stock_kit.settings import Settings

from stock_mlops.errors import NotFoundError
from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.mlflow_rest import SIMULATED, MlflowRest
from stock_mlops.stores.postgres import get_engine


def world_settings(settings: Settings, simulation_id: UUID) -> Settings:
    """``settings`` with databases, names in MLflow and a folder of models that are this simulation's alone. What is not
    kept apart so, Redis and Kafka, is not used."""
    name = f"simulation_{simulation_id.hex[:12]}"
    own = {
        "raw_db": settings.raw_db.model_copy(update={"database": f"{name}_raw"}),
        "model_meta_db": settings.model_meta_db.model_copy(update={"database": f"{name}_meta"}),
        "clickhouse": settings.clickhouse.model_copy(update={"database": name}),
        "mlflow": settings.mlflow.model_copy(update={"prefix": f"{SIMULATED}{simulation_id.hex[:12]}-"}),
        "serving": settings.serving.model_copy(update={"cache_dir": settings.serving.cache_dir / name}),
    }
    return settings.model_copy(update=own)


def make_world(settings: Settings, simulation_id: UUID) -> Settings:
    """The simulation's databases with today's schema, made unless they are there; returns their settings."""
    world = world_settings(settings, simulation_id)
    for server, own in _databases(settings, world):
        with get_engine(server).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            known = connection.execute(
                text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": own.database}
            ).scalar()
            if known is None:
                connection.execute(text(f'CREATE DATABASE "{own.database}"'))
    migrate(world)
    return world


def drop_world(settings: Settings, simulation_id: UUID) -> None:
    """Let go of all that a simulation keeps on the servers; what is gone already is no error."""
    world = world_settings(settings, simulation_id)
    names = _registered(settings, world)
    with closing(MlflowRest(world.mlflow)) as mlflow:
        for name in names:
            with suppress(NotFoundError):
                mlflow.delete_registered_model(name)
            with suppress(NotFoundError):
                mlflow.delete_experiment(name)
    open_client(settings.clickhouse, database="").command(f"DROP DATABASE IF EXISTS `{world.clickhouse.database}`")
    for server, own in _databases(settings, world):
        get_engine(own).dispose()
        with get_engine(server).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{own.database}" WITH (FORCE)'))
    shutil.rmtree(world.path(world.serving.cache_dir), ignore_errors=True)


def _registered(settings: Settings, world: Settings) -> list[str]:
    """The names that its models have in MLflow; the databases go last, so that this can be asked again."""
    with get_engine(settings.model_meta_db).connect() as connection:
        there = connection.execute(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": world.model_meta_db.database}
        ).scalar()
    if there is None:
        return []
    with get_engine(world.model_meta_db).connect() as connection:
        if connection.execute(text("SELECT to_regclass('model_definitions')")).scalar() is None:
            return []
        return [row[0] for row in connection.execute(text("SELECT DISTINCT registered_name FROM model_definitions"))]


def _databases(settings: Settings, world: Settings) -> list[tuple[PostgresSettings, PostgresSettings]]:
    """Of each server: a database to connect to, and the simulation's."""
    return [(settings.raw_db, world.raw_db), (settings.model_meta_db, world.model_meta_db)]
