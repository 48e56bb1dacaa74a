"""Brings every schema up to date; safe to run by several services at once.

PostgreSQL by Alembic, ClickHouse by the numbered files in ``db/clickhouse``. An advisory lock in model_meta_db lets one
process work while the others wait and then find nothing to do.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from stock_kit.logging import get_logger
from stock_kit.settings import Settings
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from stock_mlops.stores.clickhouse import open_client
from stock_mlops.stores.postgres import get_engine

log = get_logger(__name__)

# Any number that no other user of the database takes as an advisory lock.
_LOCK = 7_315_020_001


def _upgrade(connection: Connection, folder: Path, versions: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def migrate_postgres(settings: Settings) -> None:
    folder = settings.path("db/postgres")
    for versions, database in (("raw_db", settings.raw_db), ("model_meta_db", settings.model_meta_db)):
        with get_engine(database).begin() as connection:
            _upgrade(connection, folder, versions)


def migrate_clickhouse(settings: Settings) -> list[str]:
    """Run the files that ``schema_migrations`` does not list yet; returns their names."""
    database = settings.clickhouse.database
    open_client(settings.clickhouse, database="").command(f"CREATE DATABASE IF NOT EXISTS `{database}`")
    client = open_client(settings.clickhouse)
    client.command(
        "CREATE TABLE IF NOT EXISTS schema_migrations (name String, applied_at DateTime DEFAULT now())"
        " ENGINE = MergeTree ORDER BY name"
    )
    done = {row[0] for row in client.query("SELECT name FROM schema_migrations").result_rows}
    applied = []
    for file in sorted(settings.path("db/clickhouse").glob("*.sql")):
        if file.name in done:
            continue
        for statement in file.read_text().split(";\n"):
            if statement.strip():
                client.command(statement)
        client.insert("schema_migrations", [[file.name]], column_names=["name"])
        applied.append(file.name)
    return applied


@retry(
    retry=retry_if_exception_type(Exception),
    wait=wait_exponential(multiplier=0.5, max=5),
    stop=stop_after_delay(120),
    reraise=True,
)
def migrate(settings: Settings) -> None:
    """Bring all databases to the newest schema, waiting up to two minutes for servers that are still starting."""
    with get_engine(settings.model_meta_db).connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        try:
            migrate_postgres(settings)
            applied = migrate_clickhouse(settings)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.commit()
    log.info("schemas_current", clickhouse_applied=applied)
