"""Every service of the local profile: command, address, what it waits for."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from pathlib import Path

from stock_kit.server_settings import MlflowSettings, PrefectSettings
from stock_kit.settings import Settings
from stock_kit.settings_listing import environment

from stock_local import probes
from stock_local.nginx import nginx_service
from stock_local.prometheus import PROMETHEUS, monitoring_services, prometheus_url
from stock_local.servers.postgres import postgres_service
from stock_local.servers.stores import clickhouse_service, kafka_service, redis_service, s3_service
from stock_local.service import Service

FLOWER = "flower"
_WATCHER = 10  # what only watches gives way to what it watches, above all while everything starts
_TRAINER = 10  # who trains for minutes gives way to who waits for an answer
_FOLLOWER = 10  # what becomes of a prediction, to the prediction
SERVERS = ("raw_db", "model_meta_db", "mlflow-db", "redis", "clickhouse", "s3", "kafka")


def data_dir(settings: Settings) -> Path:
    return settings.path(settings.local.data_dir)


def child_environment(settings: Settings, names: Collection[str] = ()) -> dict[str, str]:
    """What every service inherits: this shell's variables, and the settings as they stand here.

    Args:
        names: of the services there are; the page links to those that some machines lack.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STOCK_")}
    inherited |= environment(settings)
    if PROMETHEUS in names and not settings.links.prometheus:
        inherited["STOCK_LINKS__PROMETHEUS"] = prometheus_url(settings)
    if FLOWER in names and not settings.links.flower:
        inherited["STOCK_LINKS__FLOWER"] = _flower(settings).address
    scripts = str(Path(sys.executable).parent)
    return inherited | {
        "STOCK_ROOT": str(settings.path(".").resolve()),
        "STOCK_LOCAL__DATA_DIR": str(data_dir(settings)),
        "PATH": f"{scripts}{os.pathsep}{inherited.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",  # glibc keeps an arena per thread otherwise, which costs tens of MB per process
        "DO_NOT_TRACK": "1",
    }


def _module(name: str, *args: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *args)


def _mlflow(settings: Settings) -> Service:
    mlflow: MlflowSettings = settings.mlflow
    return Service(
        name="mlflow",
        argv=_module("stock_local.servers.mlflow"),
        ready=probes.http(mlflow.host, mlflow.port, "/health"),
        address=mlflow.tracking_uri,
        ports={"HTTP": mlflow.port},
        host=mlflow.host,
        needs=("mlflow-db", "s3"),
        env={
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # nine processes of 250 MB
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_S3_ENDPOINT_URL": settings.s3.endpoint_url,
            "AWS_ACCESS_KEY_ID": settings.s3.access_key,
            "AWS_SECRET_ACCESS_KEY": settings.s3.secret_key.get_secret_value(),
            "AWS_DEFAULT_REGION": settings.s3.region,
        },
    )


def _prefect_database_url(settings: Settings) -> str:
    database = settings.model_meta_db.model_copy(update={"database": settings.prefect.database})
    return database.url.replace("postgresql+psycopg2:", "postgresql+asyncpg:")


def _prefect(settings: Settings, home: Path) -> Service:
    prefect: PrefectSettings = settings.prefect
    return Service(
        name="prefect",
        argv=_module("prefect", "server", "start", "--host", prefect.host, "--port", str(prefect.port)),
        ready=probes.http(prefect.host, prefect.port, "/api/health"),
        address=f"http://{prefect.host}:{prefect.port}",
        ports={"HTTP": prefect.port},
        host=prefect.host,
        needs=("model_meta_db",),
        env={
            "PREFECT_HOME": str(home),
            "PREFECT_API_DATABASE_CONNECTION_URL": _prefect_database_url(settings),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_UI_API_URL": prefect.api_url,
        },
    )


def _workflows(settings: Settings, home: Path) -> Service:
    workflows = settings.workflows
    return Service(
        name="workflows",
        argv=_module("stock_mlops.workflows.serve"),
        # Ready means that the deployments are registered, so that the first load need not wait for them.
        ready=probes.http(workflows.host, workflows.port, "/ready"),
        address=f"http://{workflows.host}:{workflows.port}",
        ports={"HTTP": workflows.port},
        host=workflows.host,
        needs=("raw_db", "model_meta_db", "clickhouse", "s3"),
        uses=("prefect",),
        env={"PREFECT_HOME": str(home), "PREFECT_API_URL": settings.prefect.api_url},
    )


def _backend(settings: Settings, name: str) -> Service:
    backend = settings.backend1 if name == "backend1" else settings.backend2
    return Service(
        name=name,
        argv=_module("api.serve", name),
        ready=probes.http(backend.host, backend.port, "/health"),
        address=backend.url,
        ports={"HTTP": backend.port},
        host=backend.host,
        needs=("raw_db", "model_meta_db", "clickhouse", "redis", "kafka"),
    )


def _worker(settings: Settings, queue: str) -> Service:
    celery = settings.celery
    port = celery.train_metrics_port if queue == "train" else celery.predict_metrics_port
    return Service(
        name=f"celery_{queue}",
        argv=_module("stock_mlops.tasks.worker", queue),
        ready=probes.http(celery.host, port, "/health"),
        address=f"http://{celery.host}:{port}",
        ports={"metrics": port},
        host=celery.host,
        needs=("redis", "model_meta_db", "clickhouse"),
        niceness=_TRAINER if queue == "train" else 0,
    )


def _flower(settings: Settings) -> Service:
    port = settings.celery.flower_port
    host = settings.celery.host
    return Service(
        name=FLOWER,
        argv=_module("celery", "-A", "stock_mlops.tasks.app", "flower", f"--address={host}", f"--port={port}"),
        ready=probes.http(host, port, "/healthcheck"),
        address=f"http://{host}:{port}",
        ports={"HTTP": port},
        host=host,
        needs=("redis",),
        uses=("celery_train", "celery_predict"),
        niceness=_WATCHER,
    )


def _metrics_publisher(settings: Settings) -> Service:
    publisher = settings.publisher
    return Service(
        name="metrics_publisher",
        argv=_module("metrics_publisher.main"),
        ready=probes.http(publisher.host, publisher.port, "/health"),
        address=f"http://{publisher.host}:{publisher.port}",
        ports={"HTTP": publisher.port},
        host=publisher.host,
        needs=("kafka",),
        niceness=_WATCHER,
    )


def _ws_monitor(settings: Settings) -> Service:
    monitor = settings.ws_monitor
    return Service(
        name="ws_monitor",
        argv=_module("ws_monitor.main"),
        ready=probes.http(monitor.host, monitor.port, "/health"),
        address=monitor.url,
        ports={"HTTP": monitor.port},
        host=monitor.host,
        needs=("kafka", "clickhouse"),
        niceness=_FOLLOWER,
    )


def services(settings: Settings) -> tuple[Service, ...]:
    """All services, in the order in which they start when nothing else decides."""
    data = data_dir(settings)
    postgres = data / "postgres"
    return (
        postgres_service("model_meta_db", settings.model_meta_db, postgres, _meta_databases(settings)),
        postgres_service("mlflow-db", settings.mlflow_db, postgres, (settings.mlflow_db.database,)),
        postgres_service("raw_db", settings.raw_db, postgres, (settings.raw_db.database,)),
        s3_service(settings.s3, settings.local.s3_internal_port, data / "s3"),
        clickhouse_service(settings.clickhouse, data / "clickhouse"),
        redis_service(settings.redis, data / "redis"),
        kafka_service(settings.kafka, data / "kafka"),
        _prefect(settings, data / "prefect"),
        _mlflow(settings),
        _backend(settings, "backend1"),
        _backend(settings, "backend2"),
        _workflows(settings, data / "prefect"),
        _worker(settings, "train"),
        _ws_monitor(settings),
        _worker(settings, "predict"),
        nginx_service(settings, data / "nginx"),
        _metrics_publisher(settings),
        _flower(settings),
        *monitoring_services(settings, data),
    )


def _meta_databases(settings: Settings) -> tuple[str, ...]:
    return (settings.model_meta_db.database, settings.prefect.database)
