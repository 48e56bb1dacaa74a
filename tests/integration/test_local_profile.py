"""The local profile's own promises: names for what is wrong, data that stay, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import psutil
import psycopg2
import pytest
import redis
from botocore.client import Config
from botocore.exceptions import ClientError
from stock_local.control import ControlError
from stock_local.testing import LocalStack, stack_environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack that these tests may stop and break."""
    stack = LocalStack(stack_environment(tmp_path_factory.mktemp("own")))
    yield stack
    stack.close()


def cli(env: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stock_mlops.cli", *arguments]
    return subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def processes_of(data_dir: str) -> list[str]:
    """Command lines of whatever runs on behalf of a stack."""
    found = []
    for process in psutil.process_iter(["environ", "cmdline", "status"]):
        env = process.info["environ"] or {}
        if env.get("STOCK_LOCAL__DATA_DIR") == data_dir and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(" ".join(process.info["cmdline"] or []))
    return found


def s3(stack: LocalStack, secret: str | None = None) -> boto3.client:
    settings = stack.settings.s3
    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=secret or settings.secret_key.get_secret_value(),
        region_name=settings.region,
        config=Config(retries={"max_attempts": 1}),
    )


def test_a_port_in_use_is_told_by_the_services_name_before_anything_starts(own: LocalStack) -> None:
    port = own.settings.redis.port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(ControlError, match=rf"redis \(Redis\): 127\.0\.0\.1:{port} is in use by .*\(pid \d+\)"):
            own.require("clickhouse", "redis")
    assert own.pid("clickhouse") is None


def test_every_database_and_bucket_is_there_and_asks_for_its_password(own: LocalStack) -> None:
    own.require_servers()
    settings = own.settings
    for database in (settings.raw_db, settings.model_meta_db, settings.mlflow_db):
        arguments = {"host": database.host, "port": database.port, "user": database.user, "dbname": database.database}
        psycopg2.connect(password=database.password.get_secret_value(), **arguments).close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(password="wrong", **arguments)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(host=settings.redis.host, port=settings.redis.port).ping()
    buckets = {bucket["Name"] for bucket in s3(own).list_buckets()["Buckets"]}
    assert buckets >= {settings.s3.mlflow_bucket, settings.s3.export_bucket}
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3(own, secret="wrong").list_buckets()


def test_everything_listens_on_this_machine_only(own: LocalStack) -> None:
    own.require_servers()
    sessions = {pid for name in ("raw_db", "redis", "clickhouse", "s3", "kafka") if (pid := own.pid(name))}
    listening = {
        connection.laddr[0]
        for pid in sessions
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_what_was_stored_survives_a_stop_and_a_kill(own: LocalStack) -> None:
    own.require_servers()
    bucket = own.settings.s3.export_bucket
    s3(own).put_object(Bucket=bucket, Key="a", Body=b"1")
    cache = redis.Redis.from_url(own.settings.redis.url(0))
    cache.set("a", "1")
    own.kill("s3")
    own.stop("redis")
    own.stop("raw_db")
    own.require_servers()
    assert s3(own).get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    assert cache.get("a") == b"1"
    cache.close()


def test_a_changed_password_counts_after_a_restart(tmp_path: Path) -> None:
    env = stack_environment(tmp_path / "stack")
    for password in ("stock-dev-only", "another one's"):
        stack = LocalStack(env | {"STOCK_RAW_DB__PASSWORD": password})
        try:
            stack.require("raw_db")  # ready means that the role could log in
        finally:
            stack.close()


def test_a_second_up_says_that_the_stack_runs(own: LocalStack, tmp_path: Path) -> None:
    done = cli(own.env, "up", "--detach", cwd=tmp_path)
    assert done.returncode == 1
    assert "already runs" in done.stderr


def test_status_is_red_unless_everything_is_ready(own: LocalStack, tmp_path: Path) -> None:
    own.require("redis")
    done = cli(own.env, "status", "--json", cwd=tmp_path)
    assert done.returncode == 1
    rows = {row["name"]: row for row in json.loads(done.stdout)["services"]}
    assert rows["redis"]["state"] == "ready"
    assert rows["redis"]["memory"] > 0
    assert rows["flower"]["state"] == "stopped"


def test_a_service_that_hangs_is_shown_as_unhealthy(own: LocalStack, tmp_path: Path) -> None:
    own.require("redis")
    own.kill("redis", signal.SIGSTOP)
    try:
        done = cli(own.env, "status", cwd=tmp_path)
    finally:
        own.kill("redis", signal.SIGCONT)
    assert "unhealthy" in done.stdout


def test_logs_show_what_a_service_wrote(own: LocalStack, tmp_path: Path) -> None:
    own.require("redis")
    assert "Ready to accept connections" in cli(own.env, "logs", "redis", cwd=tmp_path).stdout
    unknown = cli(own.env, "logs", "absent", cwd=tmp_path)
    assert (unknown.returncode, "There is no log of 'absent'" in unknown.stderr) == (1, True)


def test_an_unknown_service_is_refused_with_the_names_there_are(own: LocalStack) -> None:
    with pytest.raises(ControlError, match="no service is called 'clickhose'; there are model_meta_db, "):
        own.require("clickhose")


def test_down_leaves_nothing_behind(tmp_path: Path) -> None:
    env = stack_environment(tmp_path / "stack")
    (tmp_path / "elsewhere").mkdir()
    up = cli(env, "up", "--detach", "redis", "kafka", "model_meta_db", "s3", "clickhouse", cwd=tmp_path / "elsewhere")
    assert up.returncode == 0, up.stdout + up.stderr
    assert processes_of(env["STOCK_LOCAL__DATA_DIR"]) != []
    down = cli(env, "down", cwd=tmp_path)
    assert (down.returncode, down.stdout) == (0, "Everything is stopped.\n")
    assert processes_of(env["STOCK_LOCAL__DATA_DIR"]) == []
    assert list((tmp_path / "elsewhere").iterdir()) == []
    again = cli(env, "down", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "The stack does not run.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_everything(tmp_path: Path, number: int) -> None:
    env = stack_environment(tmp_path / "stack")
    command = [sys.executable, "-m", "stock_mlops.cli", "up", "redis", "model_meta_db"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C stops everything" in line:
                break
        os.killpg(process.pid, number)  # as a terminal does
        assert "Everything is stopped." in process.stdout.read()
    assert processes_of(env["STOCK_LOCAL__DATA_DIR"]) == []


def test_a_killed_supervisor_takes_its_services_with_it_and_the_next_start_works(tmp_path: Path) -> None:
    env = stack_environment(tmp_path / "stack")
    stack = LocalStack(env)
    stack.require("redis", "model_meta_db")
    supervisor = next(
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "stock_local.daemon" in (process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("STOCK_LOCAL__DATA_DIR") == env["STOCK_LOCAL__DATA_DIR"]
    )
    supervisor.kill()
    stack.close()
    second = LocalStack(env)
    try:
        second.require("redis", "model_meta_db")
    finally:
        second.close()
    deadline = time.monotonic() + 10
    while processes_of(env["STOCK_LOCAL__DATA_DIR"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
