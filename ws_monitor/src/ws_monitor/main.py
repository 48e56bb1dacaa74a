"""Starts everything: the hub's reader, the sink, the producer of alerts, and the server."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from clickhouse_connect.driver import options
from starlette.applications import Starlette
from stock_kit.health import Readiness
from stock_kit.kafka import EventProducer
from stock_kit.logging import configure_logging, get_logger
from stock_kit.settings import Settings, get_settings
from stock_kit.tuning import tune_for_requests

from ws_monitor.app import create_app, heartbeat
from ws_monitor.bridge import HubTarget
from ws_monitor.gate import open_gate
from ws_monitor.hub import Hub
from ws_monitor.reader import LogReader
from ws_monitor.sink import Sink
from ws_monitor.sink_thread import SinkThread
from ws_monitor.store import ClickHouseStore

log = get_logger(__name__)

_PING_INTERVAL = 15.0
# Enough for as many tickers as may be chosen.
_MAX_INCOMING = 8192
_SEND_BUFFER = 128 * 1024
_STALLED_MS = 30_000
# Longer than any client of ours keeps an idle connection, so that none sends into one that is just being closed.
_KEEP_ALIVE_SECONDS = 75


class Monitor:
    """One replica of the service."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gate = open_gate(settings)
        self._store = ClickHouseStore(settings.clickhouse)
        self._producer = EventProducer(settings.kafka, "ws-monitor")
        # The same after a restart, and another one for every replica.
        member = f"{socket.gethostname()}-{settings.ws_monitor.port}"
        self._sink = SinkThread(Sink(self._store, self._producer, settings.ws_monitor), settings.kafka, member)
        self._hub: Hub | None = None
        self._reader: LogReader | None = None
        self._readiness = Readiness(
            {"kafka": self._check_reader, "sink": self._sink.check, "clickhouse": self._store.ping}
        )

    def app(self) -> Starlette:
        return create_app(self._get_hub, self._readiness, self._lifespan, self._gate)

    def _get_hub(self) -> Hub:
        if self._hub is None:
            raise RuntimeError("the hub exists while the application runs")
        return self._hub

    def _check_reader(self) -> None:
        if self._reader is None:
            raise ConnectionError("starting")
        self._reader.check()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        settings = self._settings.ws_monitor
        self._hub = Hub(settings)
        target = HubTarget(self._hub, self._store, asyncio.get_running_loop())
        self._reader = LogReader(self._settings.kafka, target, history=settings.history)
        self._reader.start()
        log.info("ws_monitor_listening", host=settings.host, port=settings.port)
        self._sink.start()
        try:
            async with heartbeat(self._hub, _PING_INTERVAL):
                yield
        finally:
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._sink.close()
        self._producer.close(timeout=2.0)
        self._store.close()
        self._readiness.close()


def _quiet_libraries() -> None:
    # Two lines per WebSocket that opens; the gauge of clients tells the same.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # A stack trace per row that does not fit its column, which the sink reports in one line.
    logging.getLogger("clickhouse_connect.driver.transform").setLevel(logging.CRITICAL)


def _stay_light() -> None:
    """clickhouse-connect imports pandas, numpy and pyarrow at its first insert where they happen to be installed: 50 MB
    and seconds, for rows that come and go as plain lists. It takes them as not installed when told so."""
    vars(options).update(np=None, pd=None, pd_time_test=None, arrow=None, pl=None)


def open_socket(config: uvicorn.Config) -> socket.socket:
    """The socket to listen on, whose connections bound what a client that reads slowly, or no longer, may cost."""
    listening = config.bind_socket()
    # Else the system lets megabytes wait: a slow client would be minutes behind before it loses a message, and answer
    # pings so late that it is taken for dead.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        # A close waits until everything is sent, which a client that does not read could put off for ever.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
    return listening


def server_of(settings: Settings) -> uvicorn.Server:
    """The server of one replica."""
    config = uvicorn.Config(
        Monitor(settings).app(),
        host=settings.ws_monitor.host,
        port=settings.ws_monitor.port,
        log_config=None,
        access_log=False,
        # No thread per connection, no compression: a frame is encoded once, and would be compressed once per client.
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=_MAX_INCOMING,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)


def main() -> None:
    settings = get_settings()
    configure_logging(settings.log, "ws_monitor")
    _quiet_libraries()
    _stay_light()
    server = server_of(settings)
    tune_for_requests()
    with suppress(KeyboardInterrupt):
        server.run(sockets=[open_socket(server.config)])


if __name__ == "__main__":
    main()
