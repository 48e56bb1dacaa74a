"""Logging in, tokens, and what ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from stock_kit.access import Role, Scope
from stock_kit.clock import wall_now
from stock_kit.tokens import AccessTokens
from stock_mlops.services.accounts import AccountDesk

from .door import PASSWORD, PLATFORM_KEY, Door

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": f"Bearer {AccessTokens('another key of forty characters or so', timedelta(hours=1)).issue('1', 'a', Role.OPERATOR)}"},  # noqa: E501
        {"Authorization": "Basic b2xnYTpjb3JyZWN0"},
        {"X-API-Key": "smk_000000000000_nothing"},
        {"X-API-Key": ""},
        {"X-API-Key": PLATFORM_KEY[:-1]},
        {"Cookie": "stock_refresh=whatever"},
    ],
)  # fmt: skip
async def test_what_is_no_credential_of_ours_is_refused(train: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await train.get("/api/models/", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


async def test_an_expired_token_is_refused(train: httpx.AsyncClient, door: Door) -> None:
    old = door.tokens.issue(str(door.operator.id), "olga", Role.OPERATOR, wall_now() - timedelta(minutes=16))
    answer = await train.get("/api/models/", headers={"Authorization": f"Bearer {old}"})
    assert (answer.status_code, "expired" in answer.json()["detail"]) == (401, True)


async def test_logging_in_refreshing_and_logging_out(train: httpx.AsyncClient) -> None:
    begun = await train.post("/api/auth/login", json={"name": "OLGA", "password": PASSWORD})
    assert begun.status_code == 200
    assert begun.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in begun.headers
    session = begun.json()
    me = await train.get("/api/auth/me", headers={"Authorization": f"Bearer {session['access_token']}"})
    assert (me.json()["name"], me.json()["role"], me.json()["access"]) == ("olga", "operator", True)
    again = await train.post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert again.json()["refresh_token"] != session["refresh_token"]
    newest = {"refresh_token": again.json()["refresh_token"]}
    assert (await train.post("/api/auth/logout", json=newest)).status_code == 204
    assert (await train.post("/api/auth/refresh", json=newest)).status_code == 401


async def test_a_refresh_token_used_twice_ends_the_session(train: httpx.AsyncClient) -> None:
    session = (await train.post("/api/auth/login", json={"name": "olga", "password": PASSWORD})).json()
    stolen = {"refresh_token": session["refresh_token"]}
    successor = (await train.post("/api/auth/refresh", json=stolen)).json()["refresh_token"]
    assert (await train.post("/api/auth/refresh", json=stolen)).status_code == 401
    assert (await train.post("/api/auth/refresh", json={"refresh_token": successor})).status_code == 401


async def test_a_browser_keeps_its_refresh_token_where_no_script_reads_it(train: httpx.AsyncClient) -> None:
    body = {"name": "olga", "password": PASSWORD, "cookie": True}
    begun = await train.post("/api/auth/login", json=body, headers={"X-Forwarded-Proto": "https"})
    assert begun.json()["refresh_token"] is None
    cookie = begun.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/api/auth", "Max-Age=604800"):
        assert part in cookie
    again = await train.post("/api/auth/refresh")
    assert (again.status_code, again.json()["refresh_token"]) == (200, None)
    ended = await train.post("/api/auth/logout")
    assert "Max-Age=0" in ended.headers["Set-Cookie"]
    assert (await train.post("/api/auth/refresh")).status_code == 401


async def test_wrong_names_and_wrong_passwords_are_refused_alike(train: httpx.AsyncClient) -> None:
    wrong = await train.post("/api/auth/login", json={"name": "olga", "password": "not the one"})
    unknown = await train.post("/api/auth/login", json={"name": "nobody", "password": PASSWORD})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]


async def test_who_guesses_passwords_has_to_wait_and_who_knows_theirs_does_not(train: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await train.post("/api/auth/login", json={"name": "vic", "password": "guess"})).status_code == 401
    stopped = await train.post("/api/auth/login", json={"name": "vic", "password": PASSWORD})
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["Retry-After"]) <= 300
    for _ in range(9):  # as often as one likes, while it is the right one
        assert (await train.post("/api/auth/login", json={"name": "olga", "password": PASSWORD})).status_code == 200


@pytest.mark.parametrize("change", [{"disabled": True}, {"password": "another good one"}, {"role": "viewer"}])
async def test_a_change_of_an_account_ends_its_tokens(
    train: httpx.AsyncClient, door: Door, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    second = AccountDesk(door.accounts).create("otto", PASSWORD, Role.OPERATOR)
    token = {"Authorization": f"Bearer {door.tokens.issue(str(second.id), 'otto', Role.OPERATOR)}"}
    assert (await train.get("/api/accounts", headers=token)).status_code == 200
    changed = await train.patch(f"/api/accounts/{second.id}", json=change, headers=door.token("operator"))
    assert changed.status_code == 200
    monkeypatch.setattr("stock_mlops.services.callers._FRESH_SECONDS", 0.0)
    assert (await train.get("/api/accounts", headers=token)).status_code == 401


async def test_the_last_operator_stays(train: httpx.AsyncClient, door: Door) -> None:
    path, headers = f"/api/accounts/{door.operator.id}", door.token("operator")
    assert (await train.patch(path, json={"disabled": True}, headers=headers)).status_code == 409
    assert (await train.patch(path, json={"role": "viewer"}, headers=headers)).status_code == 409


@pytest.mark.parametrize("password", ["short", "x" * 257, "my name is newcomer"])
async def test_a_weak_password_is_refused(train: httpx.AsyncClient, door: Door, password: str) -> None:
    body = {"name": "newcomer", "password": password}
    answer = await train.post("/api/accounts", json=body, headers=door.token("operator"))
    assert answer.status_code == 422
    assert password not in answer.text or len(password) < 10


async def test_a_ticket_is_for_who_may_read(train: httpx.AsyncClient, door: Door) -> None:
    answer = await train.post("/api/auth/ws-ticket", headers=door.token("viewer"))
    assert (answer.status_code, answer.json()) == (201, {"ticket": "ticket-1", "expires_in": 30})
    assert (await train.post("/api/auth/ws-ticket", headers=door.key(Scope.PREDICT))).status_code == 403
