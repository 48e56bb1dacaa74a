"""A compose project of the test's own: settings, ports, network and volumes apart from any stack that runs here."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from compose_testing.websocket import WebSocket

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("database", "kafka", "backend", "celery", "frontend", "monitor")
T = TypeVar("T")
# How the names of settings end that no image and no log may hold.
_SECRETS = ("PASSWORD", "SECRET_KEY", "ACCESS__SECRET", "API_KEY")


class CheckError(AssertionError):
    """Something is not as it must be; the text says what was expected and what came."""


def compose_file(group: str) -> Path:
    return ROOT / f"docker-compose.{group}.yml"


def say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at this moment, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def wait_for(what: str, ask: Callable[[], T | None], seconds: float, pause: float = 1.0) -> T:
    """Ask until the answer is true.

    Raises:
        CheckError: it was not within ``seconds``; the last exception or answer is told.
    """
    deadline, last = time.monotonic() + seconds, "no answer"
    while True:
        try:
            answer = ask()
            if answer:
                return answer
            last = repr(answer)
        except (OSError, CheckError, ValueError, KeyError) as error:
            last = f"{type(error).__name__}: {error}"
        if time.monotonic() >= deadline:
            raise CheckError(f"expected {what} within {seconds:g} s; last: {last}")
        time.sleep(pause)


def _json(request: urllib.request.Request, timeout: float) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310  our own address
            return json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")[:500]
        raise OSError(f"{request.get_method()} {request.full_url} answered {error.code}: {text}") from error


class Project:
    """One stack of containers, driven by the same commands that people type."""

    def __init__(self, folder: Path, name: str, *, s3_root: bool) -> None:
        self.name = name
        self.folder = folder
        self.env_file = folder / "env"
        self.environ = {key: value for key, value in os.environ.items() if not key.startswith("STOCK_")}
        self.environ.update(ENV_FILE=str(self.env_file), COMPOSE_PROJECT_NAME=name, MONITOR_NET=f"{name}-net")
        self.ports = self._write_settings(s3_root)

    def _write_settings(self, s3_root: bool) -> dict[str, int]:
        if not self.env_file.exists():
            self.run(["scripts/make_env", str(self.env_file)])
            text = "".join(compose_file(group).read_text() for group in GROUPS)
            names = sorted(set(re.findall(r"\$\{(HTTP_PORT|[A-Z0-9_]+_HOST_PORT):-", text)))
            lines = [f"{name}={port}" for name, port in zip(names, free_ports(len(names)), strict=False)]
            # The demo's clock runs fast here, so that forecasts meet their sessions while the test looks.
            lines.append("STOCK_REPLAY__SECONDS_PER_SESSION=3")
            if s3_root:
                secret = self.settings()["MINIO_ROOT_PASSWORD"]
                lines += [
                    f"STOCK_S3__ACCESS_KEY={self.settings()['MINIO_ROOT_USER']}",
                    f"STOCK_S3__SECRET_KEY={secret}",
                ]
            with self.env_file.open("a") as file:
                file.write("\n".join(lines) + "\n")
        return {key: int(value) for key, value in self.settings().items() if key.endswith("_PORT")}

    def settings(self) -> dict[str, str]:
        lines = [line for line in self.env_file.read_text().splitlines() if "=" in line and not line.startswith("#")]
        return dict(line.split("=", 1) for line in lines)

    def servers_on_this_host(self) -> dict[str, str]:
        """The settings of a program outside the containers that uses their servers."""
        servers = ("RAW_DB", "MODEL_META_DB", "CLICKHOUSE", "REDIS")
        ports = {f"STOCK_{server}__PORT": str(self.ports[f"{server}_HOST_PORT"]) for server in servers}
        return {key: value for key, value in self.settings().items() if key.startswith("STOCK_")} | ports

    def secrets(self) -> list[str]:
        return sorted({value for key, value in self.settings().items() if key.endswith(_SECRETS)})

    # -- commands

    def run(
        self, argv: list[str], environ: Mapping[str, str] | None = None, *, check: bool = True, quiet: bool = False
    ) -> str:
        """Run a command in the repository's root, with these variables as well; its standard output.

        Raises:
            CheckError: it failed; the text holds the end of what it wrote.
        """
        done = subprocess.run(
            argv, cwd=ROOT, env={**self.environ, **(environ or {})}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise CheckError(f"{' '.join(argv)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
        if not quiet and os.environ.get("VERBOSE"):
            print(done.stdout + done.stderr)
        return done.stdout

    def make(self, target: str, **variables: str) -> str:
        return self.run(["make", "--no-print-directory", target, *(f"{k}={v}" for k, v in variables.items())])

    def compose(self, *argv: str, check: bool = True) -> str:
        return self.run(["scripts/stack", "compose", *argv], check=check, quiet=True)

    def built(self) -> dict[str, str]:
        """The services whose image is made here, with the name of that image."""
        services = json.loads(self.compose("config", "--format", "json"))["services"]
        return {name: service["image"] for name, service in services.items() if service.get("build")}

    def containers(self) -> list[dict[str, Any]]:
        """What ``docker compose ps`` tells of every container: Service, Name, State, Health."""
        text = self.compose("ps", "--all", "--format", "json").strip()
        if text.startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def sick(self) -> list[str]:
        """Containers that do not run or are not healthy."""
        return [
            f"{one['Service']} is {one['State']}/{one['Health'] or 'no health'}"
            for one in self.containers()
            if one["Service"] != "init-minio" and (one["State"], one["Health"]) != ("running", "healthy")
        ]

    def wait_healthy(self, seconds: float = 240) -> None:
        def all_well() -> bool:
            sick = self.sick()
            if sick:
                raise CheckError(", ".join(sick))
            return True

        wait_for("every container healthy", all_well, seconds, pause=2)

    # -- the stack from outside

    @property
    def authority(self) -> tuple[str, int]:
        return "127.0.0.1", self.ports["HTTP_PORT"]

    def url(self, path: str, port: str = "HTTP_PORT") -> str:
        return f"http://127.0.0.1:{self.ports[port]}{path}"

    def get(self, path: str, port: str = "HTTP_PORT") -> Any:
        """The JSON at a path; raises ``OSError`` when there is no answer or an error status."""
        headers = self._key() if port == "HTTP_PORT" else {}
        return _json(urllib.request.Request(self.url(path, port), headers=headers), 15)  # noqa: S310  our own address

    def post(self, path: str, body: dict[str, Any], timeout: float = 15) -> Any:
        headers = {"Content-Type": "application/json", **self._key()}
        request = urllib.request.Request(self.url(path), data=json.dumps(body).encode(), headers=headers)  # noqa: S310
        return _json(request, timeout)

    def _key(self) -> dict[str, str]:
        """The platform's own key; the containers ask everybody who they are."""
        return {"X-API-Key": self.settings()["STOCK_ACCESS__API_KEY"]}

    def socket(self, path: str) -> WebSocket:
        """A WebSocket through nginx, opened as a browser does: with a ticket that is good once."""
        ticket = self.post("/api/auth/ws-ticket", {})["ticket"]
        return WebSocket(self.authority, f"{path}?ticket={ticket}")

    def status(self, path: str, port: str = "HTTP_PORT") -> tuple[int, dict[str, str], str]:
        """Status, headers (lower case) and text, also of an error."""
        try:
            with urllib.request.urlopen(self.url(path, port), timeout=15) as answer:  # noqa: S310
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode()

    def clickhouse(self, query: str) -> str:
        command = (
            'exec clickhouse-client --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD"'
            ' --database "$CLICKHOUSE_DB" --query "$1"'
        )
        return self.compose("exec", "-T", "clickhouse", "sh", "-c", command, "sh", query).strip()

    def psql(self, service: str, query: str) -> str:
        command = 'exec psql -qtAX --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --command "$1"'
        return self.compose("exec", "-T", service, "sh", "-c", command, "sh", query).strip()
