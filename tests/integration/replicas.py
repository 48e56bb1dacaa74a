"""ws_monitor as processes, and browsers that listen to them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from stock_kit.settings import Settings
from stock_local.testing import LocalStack
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.integration.kafka_broker import free_port
from tests.integration.support import wait_for

PATIENCE = 60.0


class Replica:
    """One ws_monitor process."""

    def __init__(self, stack: LocalStack, settings: Settings, log: Path) -> None:
        self.port = free_port()
        self._log = log
        self._env = stack.env | {
            "STOCK_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
            "STOCK_CLICKHOUSE__DATABASE": settings.clickhouse.database,
            "STOCK_WS_MONITOR__PORT": str(self.port),
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "ws_monitor.main"]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(command, env=self._env, stdout=output, stderr=output)

    def ready(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.port}/ready", trust_env=False, timeout=5).status_code == 200

    @contextmanager
    def listen(self, channel: str, query: str = "") -> Iterator[Listener]:
        with connect(f"ws://127.0.0.1:{self.port}/ws/{channel}{query}", max_size=None) as connection:
            yield Listener(connection)

    @contextmanager
    def listen_slowly(self, channel: str) -> Iterator[Listener]:
        """A browser on a line that holds next to nothing, so that what it does not read waits at the server."""
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", self.port))
            url = f"ws://127.0.0.1:{self.port}/ws/{channel}"
            with connect(url, sock=line, max_size=None, max_queue=1) as connection:
                yield Listener(connection)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()


class Listener:
    """A browser."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.cursor = ""
        self.kinds: list[str] = []
        self.ids: list[str] = []
        self.tickers: list[str] = []
        self.next_frame()

    def say(self, text: str) -> None:
        self._connection.send(text)

    def next_frame(self, timeout: float = PATIENCE) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self._connection.recv(timeout=timeout))
        self.cursor = frame["cursor"] or self.cursor
        self.kinds.append(frame["kind"])
        self.ids += [m["data"].get("prediction_id") or m["data"].get("alert_id") for m in frame["messages"]]
        self.tickers += [m["data"]["ticker"] for m in frame["messages"]]
        return frame

    def wait_for(self, ids: list[str]) -> None:
        """Read frames until all of ``ids`` came."""
        missing = set(ids) - set(self.ids)
        while missing:
            self.next_frame()
            missing -= set(self.ids)


@contextmanager
def running_replicas(stack: LocalStack, settings: Settings, folder: Path) -> Iterator[list[Replica]]:
    """Two of them, ready, which share the consumer group."""
    with ExitStack() as started:
        pair = [Replica(stack, settings, folder / "ws_monitor.log") for _ in range(2)]
        for replica in pair:
            started.callback(replica.stop)
        for replica in pair:
            wait_for(replica.ready, seconds=PATIENCE, what=f"ws_monitor on {replica.port}")
        yield pair
