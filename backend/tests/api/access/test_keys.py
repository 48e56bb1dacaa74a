"""Keys of programs: their scopes, and the platform's own."""

from __future__ import annotations

import httpx
import pytest
from stock_kit.access import Role, Scope

from .door import PLATFORM_KEY, Door

pytestmark = pytest.mark.anyio


async def test_a_key_does_what_its_scopes_say_until_it_is_revoked(
    train: httpx.AsyncClient, predict: httpx.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = door.key(Scope.READ)
    assert (await train.get("/api/models/", headers=reading)).status_code == 200
    refused = await predict.post("/api/predict/", json={"ticker": "AAPL"}, headers=reading)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    (known,) = (await train.get("/api/api-keys", headers=door.token("operator"))).json()["items"]
    gone = await train.delete(f"/api/api-keys/{known['key_id']}", headers=door.token("operator"))
    assert gone.status_code == 204
    monkeypatch.setattr("stock_mlops.services.callers._FRESH_SECONDS", 0.0)
    assert (await train.get("/api/models/", headers=reading)).status_code == 401


async def test_a_key_can_do_no_more_than_its_account_and_its_maker(
    train: httpx.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stock_mlops.services.callers._FRESH_SECONDS", 0.0)
    key = door.key(Scope.ADMIN, Scope.READ)
    beyond = await train.post("/api/api-keys", json={"name": "more", "scopes": ["write"]}, headers=key)
    assert beyond.status_code == 403
    made = await train.post("/api/api-keys", json={"name": "less", "scopes": ["read"]}, headers=key)
    assert made.status_code == 201
    assert made.json()["key"].startswith(made.json()["prefix"])
    door.accounts.change(door.viewer.id, role=Role.OPERATOR)
    door.accounts.change(door.operator.id, role=Role.VIEWER)
    assert (await train.get("/api/accounts", headers=key)).status_code == 403


async def test_the_platforms_own_key_works_but_gives_no_accounts_away(train: httpx.AsyncClient) -> None:
    own = {"X-API-Key": PLATFORM_KEY}
    assert (await train.get("/api/models/", headers=own)).status_code == 200
    assert (await train.get("/api/accounts", headers=own)).status_code == 403
