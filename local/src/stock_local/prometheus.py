"""Prometheus and the blackbox exporter of the machine (Debian's packages), where there are any.

They run on the jobs and rules of ``monitor/``, with the addresses of this profile in place of the containers' names.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yaml
from stock_kit.settings import Settings

from stock_local import probes
from stock_local.ports import is_free
from stock_local.service import Service

PROMETHEUS, BLACKBOX = "prometheus", "blackbox-exporter"
_BINARIES = {PROMETHEUS: ("prometheus",), BLACKBOX: ("prometheus-blackbox-exporter", "blackbox_exporter")}
_HOST = "127.0.0.1"  # neither asks who calls
_WATCHER = 10  # niceness: what only watches gives way to what it watches

Json = dict[str, Any]


def monitoring_services(settings: Settings, folder: Path) -> tuple[Service, ...]:
    """Those that are installed and whose port is free: a machine may run its own, and the stack needs neither."""
    wanted = {PROMETHEUS: settings.local.prometheus_port, BLACKBOX: settings.local.blackbox_port}
    found = {
        name: binary
        for name, port in wanted.items()
        if settings.local.monitoring and (binary := _binary(name)) and is_free(_HOST, port)
    }
    make = {PROMETHEUS: _prometheus, BLACKBOX: _blackbox}
    return tuple(make[name](settings, folder / name, binary, found) for name, binary in found.items())


def prometheus_url(settings: Settings) -> str:
    return f"http://{_HOST}:{settings.local.prometheus_port}"


def _binary(name: str) -> str | None:
    return next((path for binary in _BINARIES[name] if (path := shutil.which(binary))), None)


def _prometheus(settings: Settings, folder: Path, binary: str, found: Mapping[str, str]) -> Service:
    port = settings.local.prometheus_port
    config = folder / "prometheus.yml"

    def prepare() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text(yaml.safe_dump(local_config(settings, probing=BLACKBOX in found), sort_keys=False))

    return Service(
        name=PROMETHEUS,
        argv=(
            binary,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=15d",
            "--storage.tsdb.retention.size=512MB",
            f"--web.listen-address={_HOST}:{port}",
            "--log.level=warn",
        ),
        ready=probes.http(_HOST, port, "/-/ready"),
        address=prometheus_url(settings),
        ports={"HTTP": port},
        prepare=prepare,
        niceness=_WATCHER,
    )


def _blackbox(settings: Settings, folder: Path, binary: str, _found: Mapping[str, str]) -> Service:
    port = settings.local.blackbox_port
    config = settings.path("monitor/blackbox/blackbox.yml").resolve()
    return Service(
        name=BLACKBOX,
        argv=(
            binary,
            f"--config.file={config}",
            f"--web.listen-address={_HOST}:{port}",
            "--log.level=error",
        ),
        ready=probes.http(_HOST, port, "/-/healthy"),
        address=f"http://{_HOST}:{port}",
        ports={"HTTP": port},
        prepare=lambda: folder.mkdir(parents=True, exist_ok=True),
        niceness=_WATCHER,
    )


def local_config(settings: Settings, *, probing: bool) -> Json:
    """``monitor/prometheus/prometheus.yml`` for this profile: its jobs of the services that exist here, its rules.

    Args:
        probing: whether a blackbox exporter runs.
    """
    source = settings.path("monitor/prometheus").resolve()
    config: Json = yaml.safe_load((source / "prometheus.yml").read_text())
    addresses = _addresses(settings)
    if not probing:
        addresses.pop(BLACKBOX)
    config.pop("alerting")
    config["rule_files"] = [str(source / pattern) for pattern in config["rule_files"]]
    jobs = [_local_job(job, addresses) for job in config["scrape_configs"] if probing or "params" not in job]
    config["scrape_configs"] = [job for job in jobs if job["static_configs"][0]["targets"]]
    return config


def _local_job(job: Json, addresses: Mapping[str, str]) -> Json:
    """The job with the targets that exist here; several replicas of the containers are one process."""
    named: list[str] = [target for config in job.get("static_configs", ()) for target in config["targets"]]
    named += [f"{name}:{config['port']}" for config in job.get("dns_sd_configs", ()) for name in config["names"]]
    job = {key: value for key, value in job.items() if key != "dns_sd_configs"}
    job["static_configs"] = [{"targets": [local for target in named if (local := _translated(target, addresses))]}]
    if "relabel_configs" in job:
        job["relabel_configs"] = [_local_relabel(step, addresses) for step in job["relabel_configs"]]
    return job


def _local_relabel(step: Json, addresses: Mapping[str, str]) -> Json:
    return step | {"replacement": addresses[BLACKBOX]} if step.get("target_label") == "__address__" else step


def _translated(target: str, addresses: Mapping[str, str]) -> str | None:
    """``backend1:8001`` or ``http://backend1:8001/ready`` at its address here; None when there is no such service."""
    if "://" not in target:
        return addresses.get(target.partition(":")[0])
    url = urlsplit(target)
    local = addresses.get(url.hostname or "")
    return local and urlunsplit(url._replace(netloc=local))


def _addresses(settings: Settings) -> dict[str, str]:
    """``host:port`` of this profile's services by the names that they have in the containers' network."""
    celery, workflows, publisher = settings.celery, settings.workflows, settings.publisher
    at: Callable[[str, int], str] = "{}:{}".format
    databases = {"raw_db": settings.raw_db, "model_meta_db": settings.model_meta_db, "mlflow-db": settings.mlflow_db}
    http: Sequence[str] = ("backend1", "backend2", "ws_monitor", "mlflow", "prefect", "clickhouse", "redis")
    return {
        **{name: at(server.host, server.port) for name, server in databases.items()},
        **{name: at(getattr(settings, name).host, getattr(settings, name).port) for name in http},
        "celery_train": at(celery.host, celery.train_metrics_port),
        "celery_predict": at(celery.host, celery.predict_metrics_port),
        "flower": at(celery.host, celery.flower_port),
        "workflows": at(workflows.host, workflows.port),
        "metrics_publisher": at(publisher.host, publisher.port),
        "kafka": settings.kafka.bootstrap_servers.split(",")[0],
        "nginx": at(settings.local.http_host, settings.http_port),
        "localhost": at(_HOST, settings.local.prometheus_port),  # Prometheus itself
        BLACKBOX: at(_HOST, settings.local.blackbox_port),
    }
