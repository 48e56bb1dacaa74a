"""Opens what a backend's requests share, and closes it again. No server has to be up for that: each connection is made
when it is first needed, so a dependency that is down at start is found when it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from clickhouse_connect.driver.client import Client
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from sqlalchemy import Engine, text
from stock_kit.events import Topic
from stock_kit.health import Check, Readiness
from stock_kit.kafka import EventProducer
from stock_kit.server_settings import RedisSettings
from stock_kit.settings import Settings
from stock_mlops.instruments import Instrument
from stock_mlops.services.alert_service import AlertService
from stock_mlops.services.explaining import Explainer
from stock_mlops.services.flow_control import FlowControl
from stock_mlops.services.group_commit import GroupCommit
from stock_mlops.services.jobs import Reaper, submit_job
from stock_mlops.services.platform import Platform, links
from stock_mlops.services.prediction import Predictor
from stock_mlops.services.relay import RELAY_LOCK, Confirmations, Relay
from stock_mlops.services.serving import ResidentModels
from stock_mlops.services.vectors import Vectors
from stock_mlops.stores.alert_events import AlertEvents
from stock_mlops.stores.catalog import Catalog
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.instrument_names import InstrumentNames
from stock_mlops.stores.interval_states import IntervalStates
from stock_mlops.stores.jobs import Job, JobKind, JobPage, Jobs, JobState
from stock_mlops.stores.market_clock import MarketClocks
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.near_vectors import NearVectorCache, listen
from stock_mlops.stores.outbox import Outbox
from stock_mlops.stores.outbox_batches import OutboxBatches
from stock_mlops.stores.outbox_connection import OutboxConnection
from stock_mlops.stores.postgres import advisory_lock, get_engine
from stock_mlops.stores.predictions import Predictions
from stock_mlops.stores.queue import CeleryQueue, JobQueue
from stock_mlops.stores.read_cache import RedisReadCache
from stock_mlops.stores.schema import SchemaKeeper, is_current, migrate_in_child
from stock_mlops.stores.settlements import Settlements
from stock_mlops.stores.vectors import RedisVectorCache
from stock_mlops.stores.warehouse import FeatureVector, Warehouse
from stock_mlops.stores.watchlists import Watchlists

from api.access_resources import open_access, open_train_access
from api.caching import CachedReads
from api.dataset_resources import open_datasets, open_etl
from api.dependencies import PredictResources, TrainResources
from api.model_resources import Models
from api.monitoring_resources import open_monitoring_office
from api.retraining_resources import LateRetraining
from api.simulation_resources import LateSimulations
from api.watching import JobWatch

# Redis is beside the service or it is down; the prediction path reads ClickHouse rather than wait longer.
_REDIS_TIMEOUT = 0.5
_PROBE_TIMEOUT = 1.5
# Of ClickHouse: a vector is one row by its key, a list may scan some million rows. Longer means that it hangs.
_VECTOR_TIMEOUT = 3
_LIST_TIMEOUT = 10
# Commits of predictions under way at a time.
_WRITERS = 2


@dataclass(slots=True)
class JobsDesk:
    """Rows of jobs, and the broker that carries them."""

    table: Jobs
    queue: JobQueue

    def submit(
        self,
        kind: JobKind,
        payload: Mapping[str, Any],
        *,
        subject: str | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Job:
        return submit_job(
            self.table,
            self.queue,
            kind,
            payload,
            subject=subject,
            idempotency_key=idempotency_key,
            request_id=request_id,
        )

    def get(self, job_id: UUID) -> Job | None:
        return self.table.get(job_id)

    def cancel(self, job_id: UUID) -> bool:
        return self.table.cancel(job_id)

    def page(
        self,
        kind: JobKind | None = None,
        *,
        states: Sequence[JobState] = (),
        limit: int = 50,
        cursor: Cursor | None = None,
    ) -> JobPage:
        return self.table.page(kind, states=states, limit=limit, cursor=cursor)


@asynccontextmanager
async def open_train(settings: Settings) -> AsyncIterator[TrainResources]:
    """What backend1 shares; runs the reaper of lost jobs."""
    meta, raw = get_engine(settings.model_meta_db), get_engine(settings.raw_db)
    clickhouse = _clickhouse(settings, _LIST_TIMEOUT)
    clocks = MarketClocks(meta)
    with ExitStack() as stack:
        schema = await _open_schema(settings, stack)
        mlflow = MlflowRest(settings.mlflow)
        stack.callback(mlflow.close)
        etl, prefect = open_etl(settings, raw)
        stack.enter_context(prefect)
        queue = _open_queue(settings, stack)
        reaper = Reaper(meta, queue, settings.jobs)
        reaper.start()
        stack.callback(reaper.stop)
        # Beside the one in workflows, which may be what an alert is about.
        alerts = AlertService(settings, "backend1")
        stack.callback(alerts.close)
        alerts.start()
        readiness = _open_readiness(
            schema,
            stack,
            {
                "model_meta_db": partial(_ping, meta),
                "raw_db": partial(_ping, raw),
                "clickhouse": partial(_ping_clickhouse, clickhouse),
                "redis": _redis_check(settings.redis, settings.redis.broker_db),
            },
        )
        # One client for all probes: making one reads the system's certificates, 30 ms each time.
        http = stack.enter_context(httpx.Client(timeout=_PROBE_TIMEOUT, trust_env=False))
        services = Readiness(service_checks(settings, http), cache_seconds=2.0)
        stack.callback(services.close)
        interfaces = Readiness(interface_checks(settings, http), cache_seconds=5.0)
        stack.callback(interfaces.close)
        monitoring = open_monitoring_office(settings, clickhouse)
        redis = _cache(settings)
        try:
            yield TrainResources(
                settings=settings,
                readiness=readiness,
                jobs=JobsDesk(Jobs(meta, settings.jobs), queue),
                catalog=Catalog(meta),
                models=Models(settings, mlflow),
                datasets=open_datasets(settings, clickhouse, meta, raw, clocks),
                etl=etl,
                flows=FlowControl(prefect),
                monitoring=monitoring,
                retraining=LateRetraining(settings, queue),
                simulations=LateSimulations(settings, queue, monitoring.links),
                reads=open_reads(settings),
                clocks=clocks,
                mlflow=mlflow,
                services=services,
                interfaces=interfaces,
                instruments=InstrumentNames(raw),
                watchlists=Watchlists(meta),
                platform=Platform(settings, Jobs(meta, settings.jobs), queue),
                alerts=alerts,
                access=open_train_access(settings, meta, redis, stack),
            )
        finally:
            await redis.aclose()


@asynccontextmanager
async def open_predict(settings: Settings) -> AsyncIterator[PredictResources]:
    """What backend2 shares; runs the watcher of champions, the commits of the outbox and its relay."""
    meta = get_engine(settings.model_meta_db)
    clickhouse = _clickhouse(settings, _VECTOR_TIMEOUT)
    lists = _clickhouse(settings, _LIST_TIMEOUT)
    history = Predictions(lists)
    redis = _cache(settings)
    with ExitStack() as stack:
        schema = await _open_schema(settings, stack)
        producer = EventProducer(settings.kafka, "backend2")
        stack.callback(producer.close)
        writers = [OutboxConnection(settings.model_meta_db) for _ in range(_WRITERS)]
        for writer in writers:
            stack.callback(writer.close)
        commits = GroupCommit([writer.append for writer in writers], producer, settings.outbox)
        # Alerts first: they are few, and what is sent again in one pass is bounded.
        stored: dict[Topic, Confirmations] = {Topic.ALERTS: AlertEvents(lists), Topic.PREDICTIONS: history}
        relay_lock = partial(advisory_lock, meta, RELAY_LOCK)
        relay = Relay(Outbox(meta), OutboxBatches(meta), stored, producer, relay_lock, settings.outbox)
        relay.start()
        stack.callback(relay.close)
        mlflow = MlflowRest(settings.mlflow)
        stack.callback(mlflow.close)
        files = ModelFiles(mlflow, settings.path(settings.serving.cache_dir))
        models = ResidentModels(Catalog(meta).champions, files.load, settings.serving, IntervalStates(meta).of_versions)
        models.start()
        stack.callback(models.close)
        readiness = _open_readiness(
            schema,
            stack,
            {
                "model_meta_db": partial(_ping, meta),
                "clickhouse": partial(_ping_clickhouse, clickhouse),
                "redis": _redis_check(settings.redis, settings.redis.cache_db),
            },
        )
        near = NearVectorCache(RedisVectorCache(redis, settings.redis.cache_ttl))
        vectors = Vectors(near, partial(_read_vector, clickhouse), partial(_read_vectors, clickhouse))
        hearing = asyncio.create_task(listen(near, redis), name="vector-loads")
        try:
            yield PredictResources(
                settings=settings,
                readiness=readiness,
                jobs=JobsDesk(Jobs(meta, settings.jobs), _open_queue(settings, stack)),
                predictor=Predictor(vectors, models, commits, max_days=settings.serving.max_days),
                history=history,
                accuracy=Settlements(lists),
                explainer=Explainer(history, Outbox(meta), Catalog(meta).version, files.load),
                reads=open_reads(settings),
                watch=JobWatch(Jobs(meta, settings.jobs).get_many),
                access=open_access(settings, meta, redis),
            )
        finally:
            await commits.close()
            hearing.cancel()
            await asyncio.wait([hearing])
            await redis.aclose()


def _clickhouse(settings: Settings, timeout: int) -> Callable[[], Client]:
    """How to get the process's client whose requests end within ``timeout`` seconds."""
    limits = {"query_timeout": timeout, "connect_timeout": min(settings.clickhouse.connect_timeout, timeout)}
    return partial(get_client, settings.clickhouse.model_copy(update=limits))


def _cache(settings: Settings) -> AsyncRedis:
    return AsyncRedis.from_url(
        settings.redis.url(settings.redis.cache_db),
        socket_timeout=_REDIS_TIMEOUT,
        socket_connect_timeout=_REDIS_TIMEOUT,
    )


def open_reads(settings: Settings) -> CachedReads:
    redis = Redis.from_url(
        settings.redis.url(settings.redis.cache_db),
        socket_timeout=_REDIS_TIMEOUT,
        socket_connect_timeout=_REDIS_TIMEOUT,
    )
    return CachedReads(RedisReadCache(redis))


def _open_queue(settings: Settings, stack: ExitStack) -> CeleryQueue:
    queue = CeleryQueue(settings)
    stack.callback(queue.close)
    return queue


async def _open_schema(settings: Settings, stack: ExitStack) -> SchemaKeeper:
    """Before the threads that use the tables are started, and before the first request comes."""
    schema = SchemaKeeper(partial(is_current, settings), migrate_in_child)
    stack.callback(schema.close)
    await asyncio.to_thread(schema.start)
    return schema


def _open_readiness(schema: SchemaKeeper, stack: ExitStack, checks: Mapping[str, Check]) -> Readiness:
    readiness = Readiness({**checks, "schema": schema.check})
    stack.callback(readiness.close)
    return readiness


def _read_vector(client: Callable[[], Client], instrument: Instrument) -> FeatureVector | None:
    return Warehouse(client()).latest_vector(instrument)


def _read_vectors(client: Callable[[], Client], instruments: Sequence[Instrument]) -> dict[Instrument, FeatureVector]:
    return Warehouse(client()).latest_vectors(instruments)


def _ping(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def _ping_clickhouse(client: Callable[[], Client]) -> None:
    client().command("SELECT 1")


def _redis_check(settings: RedisSettings, db: int) -> Check:
    return Redis.from_url(settings.url(db), socket_timeout=_REDIS_TIMEOUT, socket_connect_timeout=_REDIS_TIMEOUT).ping


def service_checks(settings: Settings, http: httpx.Client) -> dict[str, Check]:
    """A probe of every service of the platform that speaks HTTP, by name."""
    workers = settings.celery
    addresses = {
        "backend1": f"{settings.backend1.url}/ready",
        "backend2": f"{settings.backend2.url}/ready",
        "workflows": f"http://{settings.workflows.host}:{settings.workflows.port}/health",
        "celery_train": f"http://{workers.train_host}:{workers.train_metrics_port}/health",
        "celery_predict": f"http://{workers.predict_host}:{workers.predict_metrics_port}/health",
        "ws_monitor": f"{settings.ws_monitor.url}/ready",
        "metrics_publisher": f"http://{settings.publisher.host}:{settings.publisher.port}/health",
        "mlflow": f"{settings.mlflow.tracking_uri}/health",
        "prefect": f"{settings.prefect.api_url}/health",
    }
    return {name: partial(_probe, http, address) for name, address in addresses.items()}


def interface_checks(settings: Settings, http: httpx.Client) -> dict[str, Check]:
    """A probe of every user interface that the page links to, by name."""
    ours = {name: check for name, check in service_checks(settings, http).items() if name in ("mlflow", "prefect")}
    others = links(settings) | settings.links.probes
    return {name: ours.get(name) or partial(_probe, http, others[name]) for name in links(settings)}


def _probe(http: httpx.Client, address: str) -> None:
    answer = http.get(address)
    # An interface may send its visitors on to where they log in.
    if answer.is_error:
        raise ConnectionError(f"{urlsplit(address).path} answered {answer.status_code}")
