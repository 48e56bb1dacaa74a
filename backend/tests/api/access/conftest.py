"""The two applications with access switched on, over twins of the stores."""

from __future__ import annotations

import httpx
import pytest
from api.access_resources import TrainAccess
from pydantic import SecretStr
from stock_kit.service_settings import AccessSettings
from stock_kit.settings import Settings
from stock_mlops.services.accounts import AccountDesk
from stock_mlops.stores.access_twins import MemoryTickets

from .door import KEY, Door


@pytest.fixture
def settings() -> Settings:
    access = AccessSettings(
        enabled=True,
        secret=SecretStr(KEY),
        login_attempts=3,
        reads_per_minute=50,
        changes_per_minute=40,
        body_limit=2048,
        cors_origins=("https://desk.example",),
    )
    return Settings.model_construct(access=access)


@pytest.fixture
def door(settings: Settings) -> Door:
    return Door(settings.access)


@pytest.fixture
def access(door: Door) -> TrainAccess:
    return TrainAccess(
        guard=door.guard,
        audit=door.audit,
        sessions=door.sessions,
        accounts=AccountDesk(door.accounts),
        api_keys=door.api_keys,
        tickets=MemoryTickets(),
    )


@pytest.fixture
def both(train: httpx.AsyncClient, predict: httpx.AsyncClient) -> dict[str, httpx.AsyncClient]:
    return {"train": train, "predict": predict}
