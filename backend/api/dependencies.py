"""What a process opens once and its requests share, typed, and how a handler asks for it.

Handlers that wait for a database are plain functions, which run in threads; only the prediction itself is async.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast
from uuid import UUID

from fastapi import Depends, Request
from stock_kit.health import Readiness, Report
from stock_kit.settings import Settings
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.instruments import Instrument
from stock_mlops.services.callers import Caller
from stock_mlops.services.datasets import Dataset
from stock_mlops.services.etl_control import EtlOrder, EtlStatus
from stock_mlops.services.explaining import ExplainedPrediction
from stock_mlops.services.flow_control import FlowRunStatus
from stock_mlops.services.forecast_events import Origin
from stock_mlops.services.known_forecasts import Made
from stock_mlops.services.platform import QueueState, Versions
from stock_mlops.services.prediction import Bulk
from stock_mlops.services.quality_report import QualityReport
from stock_mlops.stores.alerts import Alert, AlertFilter, AlertPage, AlertRecord
from stock_mlops.stores.catalog import DefinitionPage, Glance, ModelDefinition, ModelVersion
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.instrument_names import Listing
from stock_mlops.stores.jobs import Job, JobKind, JobPage, JobState
from stock_mlops.stores.market_clock import ReplayState
from stock_mlops.stores.predictions import Page, PredictionFilter
from stock_mlops.stores.prefect_server import DeploymentState
from stock_mlops.stores.settlements import AccuracyFilter, RollingAccuracy
from stock_mlops.stores.watchlists import Watchlist

from api.access_resources import Access, TrainAccess
from api.caching import CachedReads
from api.model_resources import ModelOffice
from api.monitoring_resources import MonitoringDesk
from api.retraining_resources import RetrainingOffice
from api.schemas.datasets import FeatureQuery, PriceQuery
from api.simulation_resources import SimulationOffice
from api.watching import JobWatch

if TYPE_CHECKING:
    import polars as pl


class JobDesk(Protocol):
    """Takes jobs in, and tells about them."""

    def submit(
        self,
        kind: JobKind,
        payload: Mapping[str, Any],
        *,
        subject: str | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Job: ...

    def get(self, job_id: UUID) -> Job | None: ...

    def cancel(self, job_id: UUID) -> bool: ...

    def page(
        self,
        kind: JobKind | None = None,
        *,
        states: Sequence[JobState] = (),
        limit: int = 50,
        cursor: Cursor | None = None,
    ) -> JobPage: ...


class ModelCatalog(Protocol):
    def create_definition(self, spec: ModelSpec) -> ModelDefinition: ...

    def change_definition(
        self,
        model_id: UUID,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> ModelDefinition | None: ...

    def definition(self, model_id: UUID) -> ModelDefinition | None: ...

    def definitions(
        self,
        *,
        exchange: str | None = None,
        ticker: str | None = None,
        panel: str | None = None,
        model_type: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> DefinitionPage: ...

    def glances(self, model_ids: Sequence[UUID]) -> Mapping[UUID, Glance]: ...

    def versions(self, model_id: UUID) -> Sequence[ModelVersion]: ...


class PredictionDesk(Protocol):
    async def predict(self, instrument: Instrument, horizon: int, origin: Origin) -> Made: ...

    async def begin_bulk(self, instruments: Sequence[Instrument], horizon: int, origin: Origin) -> Bulk: ...

    async def check_path(self, instrument: Instrument, days: int) -> None: ...


class PredictionHistory(Protocol):
    def page(self, wanted: PredictionFilter, limit: int, cursor: Cursor | None = None) -> Page: ...


class ExplainDesk(Protocol):
    def explain(self, prediction_id: UUID) -> ExplainedPrediction: ...


class AccuracyDesk(Protocol):
    def rolling(self, wanted: AccuracyFilter, windows: Sequence[int], limit: int) -> Sequence[RollingAccuracy]: ...


class DatasetDesk(Protocol):
    def datasets(self) -> Sequence[Dataset]: ...

    def data_version(self, instruments: Sequence[Instrument]) -> str: ...

    def prices(self, instrument: Instrument, query: PriceQuery) -> pl.DataFrame: ...

    def features(self, instrument: Instrument, query: FeatureQuery) -> pl.DataFrame: ...

    def quality(self, instrument: Instrument) -> QualityReport: ...

    def delete(self, instrument: Instrument) -> int: ...


class EtlDesk(Protocol):
    def start(self, order: EtlOrder) -> EtlStatus: ...

    def upload(self, file: Path, order: EtlOrder, *, skip_bad_rows: bool) -> EtlStatus: ...

    def status(self, run_id: UUID) -> EtlStatus: ...

    def cancel(self, run_id: UUID) -> EtlStatus: ...

    def newest(self, limit: int) -> Sequence[EtlStatus]: ...


class FlowDesk(Protocol):
    def flows(self) -> Sequence[DeploymentState]: ...

    def start(self, flow: str, parameters: Mapping[str, Any]) -> FlowRunStatus: ...

    def status(self, run_id: UUID) -> FlowRunStatus: ...


class InstrumentSearch(Protocol):
    def search(self, words: str, exchange: str | None, limit: int) -> Sequence[Listing]: ...


class WatchlistDesk(Protocol):
    def of(self, owner: str) -> Sequence[Watchlist]: ...

    def get(self, owner: str, watchlist_id: UUID) -> Watchlist | None: ...

    def create(self, owner: str, name: str, instruments: Sequence[Instrument]) -> Watchlist: ...

    def replace(
        self, owner: str, watchlist_id: UUID, name: str, instruments: Sequence[Instrument]
    ) -> Watchlist | None: ...

    def delete(self, owner: str, watchlist_id: UUID) -> bool: ...


class AlertOffice(Protocol):
    def page(self, wanted: AlertFilter, limit: int, cursor: Cursor | None = None) -> AlertPage: ...

    def find(self, alert_id: UUID) -> AlertRecord: ...

    def acknowledge(self, alert_id: UUID, actor: str, comment: str | None) -> Alert: ...


class PlatformDesk(Protocol):
    def versions(self) -> Versions: ...

    def queue_states(self) -> Sequence[QueueState]: ...


class ReplayClock(Protocol):
    def replay(self) -> ReplayState | None: ...


class TrackingServer(Protocol):
    def run(self, run_id: str) -> dict[str, Any]: ...

    def registered_models(self) -> list[dict[str, Any]]: ...

    def artifacts(self, run_id: str) -> list[dict[str, Any]]: ...


class ServiceProbe(Protocol):
    def report(self) -> Report: ...


@dataclass(slots=True)
class TrainResources:
    """Of backend1."""

    settings: Settings
    readiness: Readiness
    jobs: JobDesk
    catalog: ModelCatalog
    models: ModelOffice
    datasets: DatasetDesk
    etl: EtlDesk
    flows: FlowDesk
    monitoring: MonitoringDesk
    retraining: RetrainingOffice
    simulations: SimulationOffice
    reads: CachedReads
    clocks: ReplayClock
    mlflow: TrackingServer
    services: ServiceProbe
    interfaces: ServiceProbe
    instruments: InstrumentSearch
    watchlists: WatchlistDesk
    platform: PlatformDesk
    alerts: AlertOffice
    access: TrainAccess


@dataclass(slots=True)
class PredictResources:
    """Of backend2."""

    settings: Settings
    readiness: Readiness
    jobs: JobDesk
    predictor: PredictionDesk
    history: PredictionHistory
    accuracy: AccuracyDesk
    explainer: ExplainDesk
    reads: CachedReads
    watch: JobWatch
    access: Access


Resources = TrainResources | PredictResources


async def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


# Async, though nothing is awaited: FastAPI runs a plain function's dependency in a thread, 50 us a request.
async def _train(request: Request) -> TrainResources:
    return cast(TrainResources, request.state.resources)


async def _predict(request: Request) -> PredictResources:
    return cast(PredictResources, request.state.resources)


AnyResources = Annotated[Resources, Depends(_resources)]
Train = Annotated[TrainResources, Depends(_train)]
Predict = Annotated[PredictResources, Depends(_predict)]


async def _request_id(request: Request) -> str:
    return cast(str, request.state.request_id)


RequestId = Annotated[str, Depends(_request_id)]


async def _caller(request: Request) -> Caller:
    return cast(Caller, request.state.caller)


CurrentCaller = Annotated[Caller, Depends(_caller)]


async def _actor(request: Request) -> str:
    return cast(Caller, request.state.caller).name


Actor = Annotated[str, Depends(_actor)]
"""Who calls, for trails of what was changed."""


async def _owner(request: Request) -> str:
    account_id = cast(Caller, request.state.caller).account_id
    return "local" if account_id is None else str(account_id)


Owner = Annotated[str, Depends(_owner)]
"""Whose things are meant: an account's, whatever key it calls with; everybody's while access is off."""
