"""What the workflows service runs: flow runs, the replay, the reaper of lost jobs, and its operations endpoints."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable
from functools import partial
from socket import gethostname

from prometheus_client import REGISTRY
from sqlalchemy import Engine, text
from stock_kit.access import client_key
from stock_kit.health import Check, Readiness
from stock_kit.logging import get_logger
from stock_kit.metrics import OperationsServer
from stock_kit.settings import Settings

from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.instruments import Instrument, sessions_of
from stock_mlops.prices.sources.sample import EXCHANGE, SampleSource
from stock_mlops.services.alert_service import AlertService
from stock_mlops.services.etl import after_load, count_ticker
from stock_mlops.services.ingest import open_ingest
from stock_mlops.services.jobs import Reaper
from stock_mlops.services.monitoring_metrics import MonitoringCollector
from stock_mlops.services.platform_metrics import open_platform_collector
from stock_mlops.services.replay import HttpPredictor, Replay, ReplayThread
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.migrations import migrate
from stock_mlops.stores.monitoring import MonitoringTable
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.queue import CeleryQueue
from stock_mlops.stores.raw_prices import RawPrices
from stock_mlops.workflows.deployments import deployments, source_slots
from stock_mlops.workflows.monitoring import watch_replay
from stock_mlops.workflows.runner import FlowRunner

log = get_logger(__name__)

# A flow run is mostly waiting for servers; more at once would only share the same two or three cores.
_FLOW_RUNS_AT_ONCE = 3


class WorkflowsService:
    """One replica.

    Threads do the work; :meth:`run` waits in the main thread until SIGTERM or SIGINT, then stops them in order.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._runner = FlowRunner(
            deployments(settings),
            name=f"{gethostname()}:{settings.workflows.port}",
            limit=_FLOW_RUNS_AT_ONCE,
            slots=source_slots(settings),
        )
        self._stop = threading.Event()

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        settings = self._settings
        operations = OperationsServer(settings.workflows.host, settings.workflows.port, self._readiness()).start()
        # Started before the migrations: it only registers deployments and waits for work.
        self._runner.start()
        migrate(settings)
        REGISTRY.register(open_platform_collector(settings))
        REGISTRY.register(MonitoringCollector(MonitoringTable(partial(get_client, settings.clickhouse)).newest))
        reaper = Reaper(get_engine(settings.model_meta_db), CeleryQueue(settings), settings.jobs)
        reaper.start()
        alerts = AlertService(settings, "workflows")
        alerts.start()
        replay = open_replay(settings) if settings.replay.enabled else None
        if replay is not None:
            replay.start()
        log.info("workflows_started", replay=replay is not None)
        self._stop.wait()
        log.info("workflows_stopping")
        self._runner.stop()
        if replay is not None:
            replay.stop()
        alerts.close()
        reaper.stop()
        operations.close()

    def _readiness(self) -> Readiness:
        settings = self._settings

        def prefect() -> None:
            if not self._runner.connected:
                raise DependencyUnavailableError(f"the Prefect server at {settings.prefect.api_url}", "no answer")

        return Readiness(
            {
                "prefect": prefect,
                "raw_db": _answers(get_engine(settings.raw_db)),
                "model_meta_db": _answers(get_engine(settings.model_meta_db)),
                "clickhouse": lambda: get_client(settings.clickhouse).query("SELECT 1"),
            }
        )


def open_replay(settings: Settings) -> ReplayThread:
    """The replay over the servers of ``settings``."""
    engine = get_engine(settings.model_meta_db)
    raw = RawPrices(get_engine(settings.raw_db))
    predict = HttpPredictor(settings.backend2.url, client_key(settings))
    source = SampleSource()
    ingest = open_ingest(settings, on_loaded=after_load(settings))

    def replayed() -> list[Instrument]:
        return [stored.instrument for stored in raw.instruments("replay")]

    def load() -> int:
        # A file per ticker and session would cost more than the load itself; the next ETL run writes them.
        report = ingest.run(source, replayed(), exports=False)
        for ticker in report.tickers:
            count_ticker("replay", ticker)
        for ticker in report.failed:
            log.warning("replay_ticker_failed", instrument=ticker.instrument.key, error=ticker.error)
        return len(report.tickers)

    def served() -> Iterable[Instrument]:
        if not settings.replay.predict:
            return []
        models = {champion.registered_name for champion in Catalog(engine).champions()}
        return [instrument for instrument in replayed() if instrument.registered_model in models]

    replay = Replay(
        MarketClocks(engine),
        sessions_of(EXCHANGE),
        ingest=load,
        instruments=served,
        predict=predict,
        after=watch_replay(settings),
    )
    return ReplayThread(replay, engine, settings.replay.seconds_per_session)


def _answers(engine: Engine) -> Check:
    def check() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    return check
