"""The two applications over twins of everything behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
import pytest
from api.access_resources import TrainAccess
from api.caching import CachedReads
from api.dependencies import PredictResources, TrainResources
from api.main import create_app
from api.watching import JobWatch
from stock_kit.health import Readiness
from stock_kit.settings import Settings
from stock_mlops.errors import DependencyUnavailableError
from stock_mlops.services.accounts import AccountDesk, NoSessions
from stock_mlops.services.flow_control import FlowControl
from stock_mlops.services.guard import OpenGuard
from stock_mlops.stores.access_twins import MemoryAccounts, MemoryApiKeys, MemoryAuditLog, MemoryTickets

from .alerts import MemoryAlertOffice
from .backstage import Backstage, History
from .desks import Desks
from .office import MemoryOffice
from .retraining import Loop
from .simulations import Simulated
from .watching import Flows, Watched


def no_access() -> TrainAccess:
    """Access is off; who tests what it does when it is on brings their own."""
    accounts = MemoryAccounts()
    return TrainAccess(
        guard=OpenGuard(),
        audit=MemoryAuditLog(),
        sessions=NoSessions(),
        accounts=AccountDesk(accounts),
        api_keys=MemoryApiKeys(accounts),
        tickets=MemoryTickets(),
    )


@pytest.fixture
def access() -> TrainAccess:
    return no_access()


@pytest.fixture
def settings() -> Settings:
    return Settings.model_construct()


@pytest.fixture
def backstage() -> Backstage:
    return Backstage()


def down() -> None:
    raise DependencyUnavailableError("PostgreSQL", "refused")


@asynccontextmanager
async def client_of(
    role: Literal["train", "predict"], settings: Settings, resources: TrainResources | PredictResources
) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[TrainResources | PredictResources]:
        yield resources

    app = create_app(role, settings, opened)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            # What the server does: each request gets its own copy of what the lifespan gave.
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://backend") as client:
            yield client


@pytest.fixture
def desks() -> Desks:
    return Desks()


@pytest.fixture
def office() -> MemoryOffice:
    return MemoryOffice()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def simulated() -> Simulated:
    return Simulated()


@pytest.fixture
def alerts() -> MemoryAlertOffice:
    return MemoryAlertOffice()


@pytest.fixture
def flows() -> Flows:
    return Flows()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
async def train(
    settings: Settings,
    backstage: Backstage,
    office: MemoryOffice,
    desks: Desks,
    alerts: MemoryAlertOffice,
    loop: Loop,
    simulated: Simulated,
    flows: Flows,
    watched: Watched,
    access: TrainAccess,
) -> AsyncIterator[httpx.AsyncClient]:
    """backend1"""
    resources = TrainResources(
        settings=settings,
        readiness=Readiness({"model_meta_db": backstage.check}, cache_seconds=0),
        jobs=backstage,
        catalog=backstage,
        models=office,
        instruments=desks,
        watchlists=desks,
        platform=desks,
        alerts=alerts,
        datasets=backstage,
        etl=backstage.loads,
        flows=FlowControl(flows),
        monitoring=watched,
        retraining=loop.desk,
        simulations=simulated.office,
        reads=CachedReads(backstage.cache),
        clocks=backstage,
        mlflow=backstage,
        services=Readiness({"backend2": lambda: None, "ws_monitor": down}, cache_seconds=0),
        interfaces=Readiness({"mlflow": lambda: None, "prefect": down}, cache_seconds=0),
        access=access,
    )
    async with client_of("train", settings, resources) as client:
        yield client


@pytest.fixture
async def predict(settings: Settings, backstage: Backstage, access: TrainAccess) -> AsyncIterator[httpx.AsyncClient]:
    """backend2"""
    resources = PredictResources(
        settings=settings,
        readiness=Readiness({"model_meta_db": backstage.check}, cache_seconds=0),
        jobs=backstage,
        predictor=backstage,
        history=History(backstage),
        accuracy=backstage,
        explainer=backstage,
        reads=CachedReads(backstage.cache),
        watch=JobWatch(backstage.get_many, interval=0.01),
        access=access,
    )
    async with client_of("predict", settings, resources) as client:
        yield client
