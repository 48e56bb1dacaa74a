"""``/metrics`` of services with several processes: what one of them counted is told by all, also after it died."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.parser import text_string_to_metric_families
from stock_kit.settings import project_root
from stock_local.testing import LocalStack, stack_environment
from stock_mlops.stores.jobs import JobKind, JobRef
from stock_mlops.stores.migrations import migrate_postgres
from stock_mlops.stores.queue import CeleryQueue

from tests.integration.kafka_broker import free_port
from tests.integration.support import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

PATIENCE = 120.0
UNMATCHED = {"method": "GET", "route": "unmatched"}
SKIPPED = {"kind": "train", "outcome": "skipped"}


class Service:
    """A service with worker processes, which may be killed one by one."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def sample(self, name: str, labels: Mapping[str, str]) -> float:
        """The value of one sample; 0 when there is none yet."""
        text = httpx.get(f"{self.url}/metrics", trust_env=False, timeout=30).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if (sample.name, sample.labels) == (name, labels):
                    return float(sample.value)
        return 0.0

    def alive(self) -> bool:
        return httpx.get(f"{self.url}/health", trust_env=False, timeout=5).status_code == 200

    def kill(self, worker: int, workers: Callable[[], set[int]]) -> None:
        """As the kernel does when memory is short; returns once another process took its place."""
        count = len(workers())
        psutil.Process(worker).send_signal(signal.SIGKILL)
        wait_for(
            lambda: worker not in workers() and len(workers()) == count, seconds=PATIENCE, what="another worker process"
        )


@contextmanager
def running(command: list[str], env: Mapping[str, str], port: int, log: Path) -> Iterator[Service]:
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", *command], env=dict(env), stdout=output, stderr=output)
    try:
        service = Service(psutil.Process(process.pid), port)
        wait_for(service.alive, seconds=PATIENCE, what=f"{command} on {port}:\n{log.read_text()[-2000:]}")
        yield service
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metrics")


@pytest.fixture(scope="module")
def backend(folder: Path) -> Iterator[Service]:
    """backend2 with two workers and no server behind it; the paths asked for here need none."""
    env = stack_environment(folder) | {
        "STOCK_BACKEND2__WORKERS": "2",
        "TMPDIR": str(folder),  # where the workers share their samples
        "PYTHONPATH": str(project_root() / "backend"),
    }
    port = int(env["STOCK_BACKEND2__PORT"])
    with running(["api.serve", "backend2"], env, port, folder / "backend2.log") as service:
        yield service


def counted(folder: Path) -> dict[int, float]:
    """Requests counted by each process of the backend, out of the files that they share."""
    counts = {}
    for file in folder.glob("stock-backend2-*-metrics/counter_*.db"):
        values = MmapedDict.read_all_values_from_file(str(file))
        counts[int(file.stem.rpartition("_")[2])] = sum(
            value for key, value, *_ in values if '"http_requests_total"' in key and '"unmatched"' in key
        )
    return counts


def ask(url: str, times: int) -> None:
    """Requests over connections of their own, several at once, so that every worker gets some."""
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: httpx.get(f"{url}/nowhere", trust_env=False, timeout=30).status_code, range(times))
        assert set(answers) == {404}


def test_requests_to_several_workers_are_counted_once_each_also_when_one_was_killed(
    backend: Service, folder: Path
) -> None:
    sent = 0

    def all_are_told() -> None:
        for _ in range(5):  # whichever worker answers
            assert backend.sample("http_requests_total", UNMATCHED | {"status": "404"}) == sent
            assert backend.sample("http_request_duration_seconds_count", UNMATCHED) == sent
            assert backend.sample("http_request_duration_seconds_bucket", UNMATCHED | {"le": "+Inf"}) == sent
            assert backend.sample("http_requests_in_progress", {}) == 1

    while sum(count > 0 for count in counted(folder).values()) < 2:
        assert sent < 2_000, "one worker gets all requests"
        ask(backend.url, 40)
        sent += 40
    all_are_told()

    def workers() -> set[int]:
        return {child.pid for child in backend.process.children() if child.pid in counted(folder)}

    backend.kill(max(counted(folder), key=counted(folder).__getitem__), workers)
    ask(backend.url, 40)
    sent += 40
    all_are_told()


@pytest.fixture(scope="module")
def worker(local_stack: LocalStack, folder: Path) -> Iterator[Service]:
    """celery_train with two processes, on a queue of its own."""
    local_stack.require("redis", "model_meta_db", "raw_db")
    migrate_postgres(local_stack.settings)
    port = free_port()
    env = local_stack.env | {
        "STOCK_REDIS__BROKER_DB": "9",
        "STOCK_CELERY__TRAIN_CONCURRENCY": "2",
        "STOCK_CELERY__TRAIN_METRICS_PORT": str(port),
    }
    with running(["stock_mlops.tasks.worker", "train"], env, port, folder / "celery.log") as service:
        yield service


def test_jobs_of_several_worker_processes_are_counted_once_each_also_when_one_was_killed(
    local_stack: LocalStack, worker: Service
) -> None:
    redis = local_stack.settings.redis.model_copy(update={"broker_db": 9})
    queue = CeleryQueue(local_stack.settings.model_copy(update={"redis": redis}))
    sent = 0

    def deliver(times: int) -> None:
        """Messages of jobs that do not exist: a worker looks, and counts that it skipped them."""
        nonlocal sent
        for _ in range(times):
            assert queue.send(JobRef(uuid4(), JobKind.TRAIN))
        sent += times
        wait_for(
            lambda: worker.sample("stock_job_duration_seconds_count", SKIPPED) >= sent,
            seconds=PATIENCE,
            what=f"{sent} jobs counted",
        )
        assert worker.sample("stock_job_duration_seconds_count", SKIPPED) == sent
        assert worker.sample("stock_job_duration_seconds_bucket", SKIPPED | {"le": "+Inf"}) == sent

    def workers() -> set[int]:
        return {child.pid for child in worker.process.children()}

    deliver(20)
    for pid in sorted(workers()):
        worker.kill(pid, workers)
    deliver(20)
