"""What a user and an operator do with a running stack."""

from __future__ import annotations

import shutil
import threading
import time
from typing import Any

from compose_testing.files import SERVICES, check_images
from compose_testing.project import ROOT, CheckError, Project, say, wait_for

PREDICTION = {"ticker": "AAPL", "exchange": "US"}
# Prometheus jobs that must be up; the exporters' placeholders of a machine without Docker count as well.
JOBS = {
    "prometheus", "backend1", "backend2", "ws_monitor", "celery_train", "celery_predict", "metrics_publisher",
    "workflows", "flower", "celery_exporter", "node-exporter", "cadvisor", "grafana", "blackbox-exporter",
}  # fmt: skip


# The integration tests that need servers and nothing else.
ON_SERVERS = ("data", "jobs", "serving")


def servers(project: Project) -> None:
    """PostgreSQL, ClickHouse and Redis as they are in production, under the tests of the code that speaks to them."""
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists():
        raise CheckError(f"the integration tests need {python}; make it with: make setup-dev")
    say("make up-database, pytest")
    project.make("up-database")
    folders = [f"tests/integration/{name}" for name in ON_SERVERS]
    text = project.run(
        [str(python), "-m", "pytest", "-q", "-m", "integration and not slow", *folders],
        {**project.servers_on_this_host(), "TEST_SERVERS": "running"},
    )
    say(f"servers: {text.strip().splitlines()[-1]}")


def start(project: Project) -> None:
    say("make up")
    began = time.monotonic()
    project.make("up")
    project.wait_healthy()
    say(f"up: {len(project.containers())} containers healthy after {time.monotonic() - began:.0f} s")


def smoke(project: Project) -> None:
    """From an empty stack to a forecast that a browser sees."""
    _page(project)
    _access(project)
    _load_and_train(project)
    project.make("predict", TICKER="AAPL")
    _live(project)
    _long_job(project)
    models = project.get("/api/models/")
    if not models.get("items"):
        raise CheckError(f"expected the trained model in /api/models/, got {models}")
    check_images(project)
    _monitoring(project)
    say("smoke: prices, training, forecast, WebSocket, long job, images and monitoring work")


def _load_and_train(project: Project) -> None:
    """Prices and a model that serves: the start of every scenario, done once for a stack."""
    if not project.get("/api/models/")["items"]:
        say("make ingest SOURCE=sample")
        project.make("ingest", SOURCE="sample")
        tickers = {item["ticker"] for item in project.get("/api/datasets")["items"]}
        if not {"AAPL", "MSFT", "IBM"} <= tickers:
            raise CheckError(f"expected the sample's tickers in /api/datasets, got {sorted(tickers)}")
        say("make train")
        project.make("train", TICKER="AAPL")
    _served_by_the_model(project)


def _served_by_the_model(project: Project) -> None:
    wait_for("a forecast by the trained model", lambda: not project.post("/api/predict/", PREDICTION)["fallback"], 90)


def _page(project: Project) -> None:
    status, headers, text = project.status("/")
    if status != 200 or "<html" not in text.lower():
        raise CheckError(f"expected the dashboard at /, got {status}: {text[:200]}")
    for name in ("x-content-type-options", "content-security-policy", "x-frame-options", "referrer-policy"):
        if name not in headers:
            raise CheckError(f"the dashboard comes without the header {name}")
    if (status := project.status("/metrics")[0]) != 404:
        raise CheckError(f"/metrics must stay inside, but nginx answers {status}")


def _access(project: Project) -> None:
    """Nobody comes in unasked, the administrator of .env does, and what is for operators stays behind nginx."""
    if (status := project.status("/api/models/")[0]) != 401:
        raise CheckError(f"expected 401 from /api/models/ without a key, got {status}")
    settings = project.settings()
    login = {"name": "admin", "password": settings["STOCK_ACCESS__ADMIN_PASSWORD"]}
    session = wait_for("the administrator's log-in", lambda: project.post("/api/auth/login", login), 60)
    if session["role"] != "operator":
        raise CheckError(f"expected the first account to be an operator, got {session['role']}")
    for path in ("/mlflow/", "/flower/", "/prefect/", "/grafana/", "/minio/", "/api/experiments/"):
        text = project.status(path)[2]
        if any(word in text.lower() for word in ("mlflow", "flower", "prefect", "grafana", "minio")):
            raise CheckError(f"nginx passes {path} on to what is for operators: {text[:200]}")
    for name in ("strict-transport-security", "permissions-policy"):
        found = project.status("/")[1].get(name)
        if (found is not None) != (name == "permissions-policy"):
            raise CheckError(f"expected {name} with TLS only, permissions-policy always; got {found}")


def _live(project: Project) -> None:
    """An event reaches a client of the WebSocket through nginx, and the record in ClickHouse."""
    with project.socket("/ws/predictions") as socket:
        made = project.post("/api/predict/", PREDICTION)
        socket.wait_for_event("prediction_id", made["prediction_id"], 20)
    with project.socket("/ws/metrics") as socket:
        wait_for("metrics on /ws/metrics", lambda: (socket.receive(20) or {}).get("messages"), 40)
    _recorded(project, {made["prediction_id"]})


def _recorded(project: Project, acknowledged: set[str], seconds: float = 60) -> None:
    """Every acknowledged forecast is in ClickHouse, once."""

    def all_there() -> bool:
        text = project.clickhouse("SELECT prediction_id, count() FROM predictions FINAL GROUP BY prediction_id")
        counts = {line.split("\t")[0]: int(line.split("\t")[1]) for line in text.splitlines()}
        missing = acknowledged - set(counts)
        double = [key for key in acknowledged if counts.get(key, 0) > 1]
        if missing or double:
            raise CheckError(f"of {len(acknowledged)} acknowledged {len(missing)} missing, {len(double)} double")
        return True

    wait_for("every acknowledged forecast in ClickHouse, once", all_there, seconds)


def _long_job(project: Project) -> None:
    task = project.post("/api/predict/future/", {**PREDICTION, "days": 5})["task_id"]
    state = _completed(project, f"/api/predict/future/status/{task}", 90)
    if len(state["result"]["predictions"]) != 5:
        raise CheckError(f"expected five days, got {state}")


def _completed(project: Project, path: str, seconds: float) -> dict[str, Any]:
    """The job at this path, once it is done."""

    def finished() -> Any:
        state = project.get(path)
        return state if state["state"] in ("completed", "failed", "cancelled") else None

    state: dict[str, Any] = wait_for(f"{path} finished", finished, seconds)
    if state["state"] != "completed":
        raise CheckError(f"expected {path} to be completed, got {state}")
    return state


def _monitoring(project: Project) -> None:
    def jobs_up() -> bool:
        targets = project.get("/api/v1/targets?state=active", "PROMETHEUS_HOST_PORT")["data"]["activeTargets"]
        down = {
            f"{t['labels']['job']} ({t['lastError']})"
            for t in targets
            if t["health"] != "up" and t["labels"]["job"] in JOBS
        }
        absent = JOBS - {t["labels"]["job"] for t in targets}
        if down or absent:
            raise CheckError(f"down: {sorted(down)}; absent: {sorted(absent)}")
        return True

    wait_for("every service scraped by Prometheus", jobs_up, 90, pause=3)
    probes = project.get("/api/v1/query?query=probe_success", "PROMETHEUS_HOST_PORT")["data"]["result"]
    failing = [one["metric"]["instance"] for one in probes if one["value"][1] != "1"]
    if failing or not probes:
        raise CheckError(f"the blackbox exporter gets no answer from {failing or 'anything'}")
    groups = project.get("/api/v1/rules", "PROMETHEUS_HOST_PORT")["data"]["groups"]
    wrong = [
        f"{rule['name']}: {rule['lastError']}" for group in groups for rule in group["rules"] if rule.get("lastError")
    ]
    if wrong or not groups:
        raise CheckError(f"Prometheus cannot evaluate {wrong or 'any rule'}")
    for path, port in (
        ("/api/health", "GRAFANA_HOST_PORT"),
        ("/health", "MLFLOW_HOST_PORT"),
        ("/healthcheck", "FLOWER_HOST_PORT"),
    ):
        if (status := project.status(path, port)[0]) != 200:
            raise CheckError(f"expected 200 from {project.url(path, port)}, got {status}")
    project.compose("exec", "-T", "prometheus", "promtool", "check", "config", "/etc/prometheus/prometheus.yml")


def scale(project: Project) -> None:
    """Several workers, backends and monitors behind nginx."""
    _load_and_train(project)
    counts = {"celery_train": 3, "celery_predict": 2, "ws_monitor": 2, "backend2": 2}
    wanted = " ".join(f"{name}={count}" for name, count in counts.items())
    say(f"make up SCALE={wanted!r}")
    project.make("up", SCALE=wanted, BUILD="no")
    project.wait_healthy()
    services = [one["Service"] for one in project.containers()]
    found = {name: services.count(name) for name in counts}
    if found != counts:
        raise CheckError(f"expected the replicas {counts}, got {found}")
    wait_for("forecasts through nginx", lambda: project.post("/api/predict/", PREDICTION), 60)

    # Six connections land on both replicas (of two, one would get all six once in 32 runs); each must get everything.
    sockets = [project.socket("/ws/predictions") for _ in range(6)]
    made = [project.post("/api/predict/", PREDICTION)["prediction_id"] for _ in range(40)]
    for socket in sockets:
        with socket:
            socket.wait_for_event("prediction_id", made[-1], 30)
    _recorded(project, set(made))

    def both_served() -> bool:
        query = "/api/v1/query?query=sum%20by(instance)(stock_predictions_total)"
        rows = project.get(query, "PROMETHEUS_HOST_PORT")["data"]["result"]
        return len([row for row in rows if float(row["value"][1]) > 0]) >= 2

    wait_for("both replicas of backend2 serving", both_served, 60, pause=3)
    _train_at_once(project, ["AAPL", "MSFT", "IBM"])
    project.make("up", BUILD="no")
    project.wait_healthy()
    say("scale: replicas share the work, and every browser sees every forecast")


def _train_at_once(project: Project, tickers: list[str]) -> None:
    definitions = [{"ticker": ticker, "exchange": "US", "model_type": "ridge", "horizon": 3} for ticker in tickers]
    tasks = [project.post("/api/train", definition)["task_id"] for definition in definitions]
    for task in tasks:
        _completed(project, f"/api/train/status/{task}", 300)


class Caller(threading.Thread):
    """Asks for forecasts all the time and remembers what was acknowledged."""

    def __init__(self, project: Project) -> None:
        super().__init__(daemon=True)
        self._project = project
        self._ended = threading.Event()
        self.acknowledged: set[str] = set()
        self.refused = 0

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self.acknowledged.add(self._project.post("/api/predict/", PREDICTION, timeout=5)["prediction_id"])
            except (OSError, ValueError, KeyError):
                self.refused += 1
            self._ended.wait(0.25)

    def stop(self) -> None:
        self._ended.set()
        self.join(timeout=30)


def restarts(project: Project) -> None:
    """Stop and start each container in turn while forecasts are asked for and a long job is on its way."""
    _load_and_train(project)
    jobs = []
    caller = Caller(project)
    caller.start()
    try:
        for name in sorted({one["Service"] for one in project.containers()} - {"init-minio"}):
            before, refused = len(caller.acknowledged), caller.refused
            jobs.append(project.post("/api/predict/future/", {**PREDICTION, "days": 5})["task_id"])
            seconds = _stop_and_start(project, name)
            say(
                f"restart of {name}: healthy again, and forecasts {seconds:.0f} s after the start;"
                f" {len(caller.acknowledged) - before} acknowledged, {caller.refused - refused} refused"
            )
    finally:
        caller.stop()
    for job in jobs:
        _completed(project, f"/api/predict/future/status/{job}", 120)
    _recorded(project, caller.acknowledged, 120)
    empty = "SELECT NOT EXISTS (SELECT FROM outbox UNION ALL SELECT FROM outbox_batches)"
    wait_for("an empty outbox", lambda: project.psql("model_meta_db", empty) == "t", 60)
    _train_at_once(project, ["AAPL"])
    say(
        f"restarts: all {len(caller.acknowledged)} acknowledged forecasts are in ClickHouse, once;"
        f" all {len(jobs)} long jobs were finished"
    )


def _stop_and_start(project: Project, name: str) -> float:
    """Seconds from the start until everything is well again."""
    project.compose("stop", name)
    killed = [one for one in project.containers() if one["Service"] == name and one["ExitCode"] == 137]
    if killed and name in project.built():
        raise CheckError(f"{name} did not end when it was asked to, and was killed")
    if name != "nginx":
        _page(project)
    time.sleep(3)
    project.compose("start", name)
    began = time.monotonic()
    project.wait_healthy()
    wait_for("forecasts again", lambda: project.post("/api/predict/", PREDICTION), 60)
    return time.monotonic() - began


def core(project: Project) -> None:
    """Down, and up again as it is for a small machine: the data are there, the monitoring is not."""
    _load_and_train(project)
    rows = _rows(project)
    say("make down, make up PROFILE=core")
    project.make("down")
    if left := project.containers():
        raise CheckError(f"expected no container after make down, got {[one['Name'] for one in left]}")
    project.make("up", PROFILE="core", BUILD="no")
    project.wait_healthy()
    running = {one["Service"] for one in project.containers()} - {"init-minio"}
    expected = set().union(*SERVICES.values()) - SERVICES["monitor"] - {"kafka-ui", "flower", "init-minio"}
    if running != expected:
        raise CheckError(f"PROFILE=core: expected {sorted(expected)}, got {sorted(running)}")
    _served_by_the_model(project)
    _live(project)
    _train_at_once(project, ["MSFT"])
    _nothing_lost(project, rows)
    project.make("up", BUILD="no")
    project.wait_healthy()
    say(f"core: {len(running)} containers do all but watch, on the data of before")


def _catalog(project: Project) -> dict[str, Any]:
    """What stays as it is while nobody trains."""
    return {
        "models": sorted(item["model_id"] for item in project.get("/api/models/?limit=100")["items"]),
        "versions": project.psql("model_meta_db", "SELECT count(*) FROM model_versions"),
        "champions": project.psql("model_meta_db", "SELECT count(*) FROM model_versions WHERE alias = 'champion'"),
    }


def _rows(project: Project) -> dict[str, int]:
    """What only grows, because the replay goes on."""
    tables = ("prices", "features", "predictions")
    rows = {table: int(project.clickhouse(f"SELECT count() FROM {table} FINAL")) for table in tables}  # noqa: S608
    return {**rows, "raw_prices": int(project.psql("raw_db", "SELECT count(*) FROM raw_prices"))}


def _nothing_lost(project: Project, rows: dict[str, int]) -> None:
    short = {name: count for name, count in _rows(project).items() if count < rows[name]}
    if short:
        raise CheckError(f"expected at least the rows of before, {rows}, got {short}")


def backup(project: Project) -> None:
    """Save, lose everything, bring it back."""
    folder = project.folder / "backup"
    shutil.rmtree(folder, ignore_errors=True)
    _load_and_train(project)
    say("make backup")
    catalog, rows = _catalog(project), _rows(project)
    made = set(project.clickhouse("SELECT DISTINCT prediction_id FROM predictions").split())
    project.make("backup", BACKUP=str(folder))
    say("make clean (its part for containers), make up")
    project.make("clean-containers", YES="1")
    project.make("up", BUILD="no")
    say("make restore")
    project.make("restore", BACKUP=str(folder))
    project.wait_healthy()
    restored = wait_for("the API after the restore", lambda: _catalog(project), 60)
    if restored != catalog:
        raise CheckError(f"expected {catalog} after the restore, got {restored}")
    _nothing_lost(project, rows)
    _recorded(project, made)
    _served_by_the_model(project)
    say(f"backup: {catalog['versions']} versions and {rows} rows came back, and the model serves")
