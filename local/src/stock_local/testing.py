"""A local profile of one's own, for tests and benchmarks: free ports, data in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

from stock_kit.settings import PREFIX, Settings, load_settings, project_root

from stock_local.catalog import SERVERS
from stock_local.commands.down import stop_stack
from stock_local.control import ControlError, call
from stock_local.daemon_process import start_daemon
from stock_local.paths import Layout

_PORTS = (
    "HTTP_PORT",
    "STOCK_RAW_DB__PORT",
    "STOCK_MODEL_META_DB__PORT",
    "STOCK_MLFLOW_DB__PORT",
    "STOCK_CLICKHOUSE__PORT",
    "STOCK_REDIS__PORT",
    "STOCK_MLFLOW__PORT",
    "STOCK_PREFECT__PORT",
    "STOCK_BACKEND1__PORT",
    "STOCK_BACKEND2__PORT",
    "STOCK_WS_MONITOR__PORT",
    "STOCK_PUBLISHER__PORT",
    "STOCK_WORKFLOWS__PORT",
    "STOCK_CELERY__TRAIN_METRICS_PORT",
    "STOCK_CELERY__PREDICT_METRICS_PORT",
    "STOCK_CELERY__FLOWER_PORT",
    "STOCK_LOCAL__PROMETHEUS_PORT",
    "STOCK_LOCAL__BLACKBOX_PORT",
)
_S3_INTERNAL_PORTS = 8
_LOWEST, _HIGHEST = 20_000, 32_000  # below the range from which the system takes ports of outgoing connections
_START_PATIENCE = 300.0


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, starting at a place of this process's own so that two runs rarely meet."""
    found: list[int] = []
    start = _LOWEST + os.getpid() * 37 % (_HIGHEST - _LOWEST)
    with ExitStack() as held:
        for offset in range(_HIGHEST - _LOWEST):
            port = _LOWEST + (start - _LOWEST + offset) % (_HIGHEST - _LOWEST)
            probe = held.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                found.clear()  # the caller may want neighbours
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise RuntimeError(f"no {count} free ports in a row between {_LOWEST} and {_HIGHEST}")


def stack_environment(data_dir: Path) -> dict[str, str]:
    """The variables of a stack beside any other: this shell's, with other ports and another folder."""
    ports = _free_ports(len(_PORTS) + 2 + _S3_INTERNAL_PORTS)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    kafka, s3, internal = ports[len(_PORTS) : len(_PORTS) + 3]
    return inherited | {
        **{name: str(port) for name, port in zip(_PORTS, ports, strict=False)},
        "STOCK_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka}",
        "STOCK_S3__ENDPOINT_URL": f"http://127.0.0.1:{s3}",
        "STOCK_LOCAL__S3_INTERNAL_PORT": str(internal),
        "STOCK_LOCAL__DATA_DIR": str(data_dir),
        "STOCK_ETL__EXPORT_DIR": str(data_dir / "exports"),
        # Other stacks have other versions under the same names.
        "STOCK_SERVING__CACHE_DIR": str(data_dir / "models"),
        "STOCK_ROOT": str(project_root()),
    }


@contextmanager
def use_environment(env: Mapping[str, str]) -> Iterator[None]:
    """This process's environment is ``env`` while the context lasts."""
    with patch.dict(os.environ, env, clear=True):
        yield


class LocalStack:
    """A running supervisor and what one does to its services."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        with use_environment(env):
            self.settings: Settings = load_settings()
        self._layout = Layout.of(self.settings)
        self._daemon = start_daemon(self._layout, attached=True, env=self.env)

    @property
    def url(self) -> str:
        """nginx's address, without a slash at its end."""
        return f"http://{self.settings.local.http_host}:{self.settings.http_port}"

    @property
    def logs(self) -> Path:
        return self._layout.logs

    def require(self, *names: str) -> None:
        """Have these services ready, and what they need; those that are already cost nothing. No name: all.

        Raises:
            ControlError: one did not start; the text shows the end of its log.
        """
        call(self._layout, "start", timeout=_START_PATIENCE, services=list(names) or None)

    def require_servers(self) -> None:
        """Have every database, the broker and S3 ready."""
        self.require(*SERVERS)

    def start(self, name: str) -> None:
        self.require(name)

    def wait_ready(self, name: str) -> None:
        self.require(name)

    def stop(self, name: str) -> None:
        """Stop one service and leave it stopped."""
        call(self._layout, "stop", timeout=60, service=name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a service's process, as an accident would; the supervisor restarts it."""
        call(self._layout, "kill", service=name, signal=int(number))

    def pid(self, name: str) -> int | None:
        """The service's process, None while it does not run."""
        rows = call(self._layout, "status", timeout=60)["services"]
        pid: int | None = next(row["pid"] for row in rows if row["name"] == name)
        return pid

    def cli(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run ``stock-mlops`` against this stack."""
        return subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", "stock_mlops.cli", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def close(self) -> None:
        """Stop everything."""
        try:
            stop_stack(self._layout)
        except ControlError:
            self._daemon.terminate()
        self._daemon.wait(timeout=60)
