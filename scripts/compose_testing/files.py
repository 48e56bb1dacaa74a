"""What can be said about the compose files without starting anything."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

from compose_testing.project import GROUPS, ROOT, CheckError, Project, compose_file, say

SERVICES = {
    "database": {"redis", "raw_db", "model_meta_db", "mlflow-db", "clickhouse", "minio", "init-minio"},
    "backend": {"mlflow", "backend1", "backend2", "prefect", "workflows"},
    "celery": {"celery_train", "celery_predict", "flower"},
    "kafka": {"kafka", "kafka-ui", "metrics_publisher", "ws_monitor"},
    "monitor": {"prometheus", "grafana", "node-exporter", "cadvisor", "blackbox-exporter", "celery_exporter"},
    "frontend": {"nginx"},
}
# Host port, container port of spec.md's table.
PORTS = {
    "nginx": [(80, 8080)],
    "backend1": [(8001, 8001)],
    "backend2": [(8002, 8002)],
    "mlflow": [(5010, 5010)],
    "prefect": [(4200, 4200)],
    "flower": [(5555, 5555)],
    "minio": [(9111, 9000), (9001, 9001)],
    "clickhouse": [(8123, 8123)],
    "grafana": [(3002, 3000)],
    "kafka": [(9092, 9092)],
    "kafka-ui": [(8082, 8080)],
    "ws_monitor": [(8010, 8010)],
    "model_meta_db": [(5411, 5432)],
    "raw_db": [(5412, 5432)],
    "mlflow-db": [(5422, 5432)],
    "redis": [(6379, 6379)],
    "prometheus": [(9090, 9090)],
    "node-exporter": [(9100, 9100)],
    "blackbox-exporter": [(9115, 9115)],
    "cadvisor": [(8080, 8080)],
    "celery_exporter": [(9808, 9808)],
}
SCALABLE = {"backend2", "ws_monitor", "celery_train", "celery_predict"}
# The ceilings of all services together, of which the platform uses half (docs/containers.md): a machine with 8 GB
# runs them all, because no two of the large ones are at their ceilings at once.
MEMORY = 10752 * 2**20


def resolved(project: Project, *names: str) -> dict[str, Any]:
    """The services of these files as Docker Compose understands them, with the ports of spec.md."""
    env_file = project.folder / "plain-env"
    if not env_file.exists():
        project.run(["scripts/make_env", str(env_file)])
    argv = ["docker", "compose", "--env-file", str(env_file), "--project-directory", str(ROOT)]
    for name in names:
        argv += ["-f", str(compose_file(name))]
    return dict(json.loads(project.run([*argv, "config", "--format", "json"], quiet=True))["services"])


def check_files(project: Project) -> None:
    """Run every check and report all that is wrong at once.

    Raises:
        CheckError: with one line for each thing.
    """
    problems: list[str] = []
    for group in GROUPS:
        services = resolved(project, group)
        if set(services) != SERVICES[group]:
            problems.append(f"{compose_file(group).name}: expected {sorted(SERVICES[group])}, got {sorted(services)}")
    together = resolved(project, *GROUPS)
    for name, service in together.items():
        problems += [f"{name}: {problem}" for problem in _problems(name, service)]
    problems += _scaling(project)
    problems += _secrets(together, project)
    problems += _settings(together)
    problems += _prometheus()
    problems += _grafana()
    total = sum(int(service.get("mem_limit") or 0) for service in together.values())
    if total > MEMORY:
        problems.append(f"the ceilings of memory add up to {total / 2**30:.1f} GiB, expected at most {MEMORY / 2**30}")
    if problems:
        raise CheckError("\n".join(problems))
    say(f"files: {len(together)} services in {len(GROUPS)} files are as they must be")


def _problems(name: str, service: dict[str, Any]) -> Iterator[str]:
    image = service.get("image", "")
    if ":" not in image.rpartition("/")[2] or image.endswith(":latest"):
        yield f"image {image!r} is not pinned to a version"
    if service.get("container_name"):
        yield "has a fixed container name, so it cannot be scaled"
    if not service.get("mem_limit"):
        yield "has no ceiling of memory"
    if not service.get("restart"):
        yield "has no restart policy"
    if "max-size" not in service.get("logging", {}).get("options", {}):
        yield "does not rotate its logs"
    if list(service.get("networks", {})) != ["monitor-net"]:
        yield f"expected the network monitor-net alone, got {list(service.get('networks', {}))}"
    if name != "init-minio":
        yield from _healthcheck(service.get("healthcheck", {}).get("test") or [])
    ports = service.get("ports", [])
    found = [(int(port["published"]), port["target"]) for port in ports]
    if found != PORTS.get(name, []):
        yield f"expected the ports {PORTS.get(name, [])}, got {found}"
    outside = [port for port in ports if port.get("host_ip") != "127.0.0.1"]
    if outside and name != "nginx":
        yield "is published to other machines"
    if service.get("build") and service.get("read_only") is not True:
        yield "can write to its root file system"
    if service.get("privileged"):
        yield "is privileged"


def _healthcheck(test: list[str]) -> Iterator[str]:
    if not test:
        yield "has no healthcheck"
    elif test[0] == "CMD" and any(" " in argument for argument in test[1:]):
        yield f"an argument of the healthcheck holds a space, at which Podman splits it: {test}"


def _scaling(project: Project) -> Iterator[str]:
    done = project.run(
        ["scripts/stack", "compose", "config", "--format", "json"],
        {"SCALE": "backend2=2", "PROFILE": "full"},
        quiet=True,
    )
    services = json.loads(done)["services"]
    for name in SCALABLE:
        if services[name].get("ports"):
            yield f"{name}: with SCALE it still has a port of the host, which two replicas cannot share"
    core = project.run(["scripts/stack", "compose", "config", "--services"], {"PROFILE": "core"}, quiet=True).split()
    missing = {"nginx", "backend1", "backend2", "celery_train", "celery_predict", "ws_monitor", "kafka"} - set(core)
    if missing or SERVICES["monitor"] & set(core):
        yield f"PROFILE=core: expected the platform without monitoring, got {sorted(core)}"


def _secrets(services: dict[str, Any], project: Project) -> Iterator[str]:
    for group in GROUPS:
        text = compose_file(group).read_text() + (ROOT / "docker" / "common.yml").read_text()
        # A value after ":-" would be a default password; ":?" is none.
        for name in re.findall(r"\$\{([A-Z0-9_]*(?:PASSWORD|SECRET_KEY|ACCESS__SECRET|API_KEY)):-[^}]", text):
            yield f"{compose_file(group).name}: {name} has a default"
    env_file = project.folder / "plain-env"
    for line in env_file.read_text().splitlines():
        if line.endswith("=stock-dev-only") and not line.startswith("#"):
            yield f"make_env left the development secret in {line.partition('=')[0]}"
    for name, service in services.items():
        for key, value in (service.get("build") or {}).get("args", {}).items():
            if value in project.secrets():
                yield f"{name}: build argument {key} holds a secret"


def _settings(services: dict[str, Any]) -> Iterator[str]:
    """Every setting of the tree reaches the backend's containers, or is one that means nothing to them."""
    known = set(re.findall(r"^#?(STOCK_[A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.M))
    given = {key for service in services.values() if service.get("build") for key in service.get("environment") or {}}
    given = {key for key in given if key.startswith("STOCK_")}
    fixed = {"STOCK_ROOT", *(key for key in known if key.startswith("STOCK_LOCAL__"))}
    # Ports of our own services and MLflow's own database are given to the containers that use them, in their own way.
    fixed |= {key for key in known if re.fullmatch(r"STOCK_MLFLOW_DB__\w+", key)}
    for key in sorted(known - given - fixed):
        yield f"{key}: a setting that no container is given; add it to docker/common.yml or its service"
    for key in sorted(given - known):
        yield f"{key}: given to a container, but no setting of that name exists"


def _prometheus() -> Iterator[str]:
    text = (ROOT / "monitor" / "prometheus" / "prometheus.yml").read_text()
    for name in sorted(set().union(*SERVICES.values()) - {"init-minio"}):
        host = re.escape("localhost" if name == "prometheus" else name)
        if not re.search(rf"[\[\s/]{host}:\d+|names: \[{host}\]", text):
            yield f"prometheus.yml: {name} is neither scraped nor probed"


def _grafana() -> Iterator[str]:
    folder = ROOT / "monitor" / "grafana"
    provisioned = "".join(file.read_text() for file in sorted((folder / "provisioning/datasources").glob("*.yml")))
    sources = set(re.findall(r"^\s+uid: (\S+)", provisioned, re.M))
    for file in sorted((folder / "dashboards").glob("*.json")):
        dashboard = json.loads(file.read_text())
        ids = [panel["id"] for panel in dashboard["panels"]]
        if len(ids) != len(set(ids)):
            yield f"{file.name}: two panels share an id"
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["uid"] not in sources:
                    yield f"{file.name}: panel {panel['title']!r} asks an unknown data source"


def check_images(project: Project) -> None:
    """Built images: no secret in them or in their history, no root, no compiler, small where they must be.

    Raises:
        CheckError: with one line for each thing.
    """
    problems: list[str] = []
    images = sorted(set(project.built().values()))
    base = _size(project, "python:3.11-slim-bookworm")
    # What is named on its command line is looked for in every file of the image.
    look = """
        command -v gcc cc uv
        ls -d /root/.cache/* /build 2> /dev/null
        find / -xdev -name '.env*'
        for secret; do set -- "$@" -e "$secret"; shift; done
        find / -xdev -type f -exec grep -lsF "$@" {} +
        true
    """
    for image in images:
        text = project.run(["docker", "history", "--no-trunc", image], quiet=True)
        text += project.run(["docker", "inspect", image], quiet=True)
        problems += [f"{image}: holds a secret" for secret in project.secrets() if secret in text]
        user = project.run(["docker", "inspect", "--format", "{{.Config.User}}", image], quiet=True).strip()
        if user in ("", "root", "0"):
            problems.append(f"{image}: runs as root")
        inside = ["docker", "run", "--rm", "--user", "0", "--entrypoint", "sh", image, "-c", look, "sh"]
        if found := project.run([*inside, *project.secrets()], quiet=True).split():
            problems.append(f"{image}: expected no secret, compiler, installer or cache, found {found}")
        if image.rpartition("/")[2].startswith(("ws_monitor:", "metrics_publisher:")):
            beyond = (_size(project, image) - base) / 1e6
            if beyond > 200:
                problems.append(f"{image}: {beyond:.0f} MB beyond the base, expected at most 200")
    if problems:
        raise CheckError("\n".join(problems))
    say(f"images: {len(images)} are free of secrets and of root")


def _size(project: Project, image: str) -> int:
    return int(project.run(["docker", "image", "inspect", "--format", "{{.Size}}", image], quiet=True).strip())


def docker_works() -> bool:
    try:
        return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
