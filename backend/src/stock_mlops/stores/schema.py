"""Whether the databases have the schema of this release: a cheap question, asked by every process that starts.

Answering it with the migration tool would cost each process its import. So the versions on disk are compared with those
in the databases, and only where they differ a child process migrates (``python -m stock_mlops.stores.schema``).
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import inspect, text
from stock_kit.logging import get_logger
from stock_kit.server_settings import PostgresSettings
from stock_kit.settings import Settings, get_settings

from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.postgres import get_engine

log = get_logger(__name__)

_REVISION = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_RETRY_SECONDS = 2.0
_MIGRATION_SECONDS = 300


class SchemaOutdatedError(RuntimeError):
    """The migrations of this release have not run yet."""


def is_current(settings: Settings) -> bool:
    """Whether nothing is left to migrate; raises what the drivers raise when a database does not answer."""
    folder = settings.path("db")
    return (
        _postgres_current(settings.raw_db, folder / "postgres" / "raw_db")
        and _postgres_current(settings.model_meta_db, folder / "postgres" / "model_meta_db")
        and _clickhouse_current(settings, folder / "clickhouse")
    )


def _postgres_current(database: PostgresSettings, folder: Path) -> bool:
    newest = max(folder.glob("[0-9]*.py"))
    found = _REVISION.search(newest.read_text())
    if found is None:
        raise ValueError(f'{newest}: expected a line like: revision = "raw_0001"')
    with get_engine(database).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        # A newer release beside this one may have gone further; the newest of ours need not be the last of its.
        versions = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    return any(version >= found[1] for version in versions)


def _clickhouse_current(settings: Settings, folder: Path) -> bool:
    client = get_client(settings.clickhouse)
    if not client.command("EXISTS TABLE schema_migrations"):
        return False
    done = {row[0] for row in client.query("SELECT name FROM schema_migrations").result_rows}
    return {file.name for file in folder.glob("*.sql")} <= done


def revisions(settings: Settings) -> dict[str, str]:
    """How far each database is migrated: the newest revision, or the newest file of ClickHouse; empty: not at all."""
    found = {}
    for name, database in (("model_meta_db", settings.model_meta_db), ("raw_db", settings.raw_db)):
        with get_engine(database).connect() as connection:
            known = inspect(connection).has_table("alembic_version")
            rows = connection.execute(text("SELECT version_num FROM alembic_version")).scalars() if known else ()
            found[name] = max(rows, default="")
    client = get_client(settings.clickhouse)
    migrated = client.command("EXISTS TABLE schema_migrations")
    names = client.query("SELECT name FROM schema_migrations").result_rows if migrated else ()
    found["clickhouse"] = max((row[0] for row in names), default="").removesuffix(".sql")
    return found


class SchemaKeeper:
    """Sees to it that the schema is current, in the background and for as long as it takes."""

    def __init__(self, current: Callable[[], bool], migrate: Callable[[], None]) -> None:
        self._current = current
        self._migrate = migrate
        self._done = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schema", daemon=True)

    def start(self) -> None:
        """Look once, migrating when that is needed and possible now; what cannot be done now goes on in a thread."""
        if not self._try():
            self._thread.start()

    def close(self) -> None:
        self._stop.set()

    def check(self) -> None:
        """For readiness: raises :class:`SchemaOutdatedError` until the schema was seen to be current."""
        if not self._done.is_set():
            raise SchemaOutdatedError("the databases are not migrated to this release yet")

    def _run(self) -> None:
        while not self._stop.wait(_RETRY_SECONDS) and not self._try():
            pass

    def _try(self) -> bool:
        try:
            if not self._current():
                self._migrate()
        except Exception as error:  # noqa: BLE001  servers may still be starting; readiness tells meanwhile
            log.info("schema_not_checked", error=str(error).splitlines()[0] if str(error) else repr(error))
            return False
        self._done.set()
        return True


def migrate_in_child() -> None:
    """Migrate in a process of its own, whose memory is given back; raises when it fails."""
    command = [sys.executable, "-m", __name__]
    result = subprocess.run(command, capture_output=True, text=True, timeout=_MIGRATION_SECONDS, check=False)  # noqa: S603
    if result.returncode:
        raise RuntimeError(f"migration failed: {result.stderr.strip().splitlines()[-1:]}")


def main() -> None:
    from stock_kit.logging import configure_logging

    from stock_mlops.stores.migrations import migrate

    settings = get_settings()
    configure_logging(settings.log, service="migrate")
    migrate(settings)


if __name__ == "__main__":
    main()
