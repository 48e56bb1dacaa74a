"""Access switched on, over twins of the stores: every route's rule, and every way in."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest
from api.access import needed_scope
from api.access_resources import TrainAccess
from api.main import routes_of
from api.openapi import document
from fastapi.routing import APIRoute
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisDownError
from sqlalchemy.exc import OperationalError
from stock_kit.access import Role, Scope
from stock_kit.clock import wall_now
from stock_kit.settings import AccessSettings, Settings
from stock_kit.tokens import AccessTokens
from stock_mlops.services.accounts import AccountDesk, SessionDesk
from stock_mlops.services.callers import Callers
from stock_mlops.services.guard import AccessGuard, CallLimiter
from stock_mlops.stores.access_twins import (
    MemoryAccounts,
    MemoryApiKeys,
    MemoryAuditLog,
    MemoryCallBudget,
    MemoryRefreshTokens,
    MemoryTickets,
)
from stock_mlops.stores.throttles import MemoryLoginThrottle

pytestmark = pytest.mark.anyio

KEY, PLATFORM_KEY = "k" * 40, "p" * 40
PASSWORD = "correct horse battery"

# What each route needs, by its name. A new route has to be entered here, or the tests fail: think of who may call it.
RULES: dict[str, Scope | None] = {
    "health": None,
    "ready": None,
    "metrics": None,
    "login": None,
    "refresh_session": None,
    "logout": None,
    "who_am_i": Scope.READ,
    "create_ws_ticket": Scope.READ,
    "list_alerts": Scope.READ,
    "get_alert": Scope.READ,
    "acknowledge_alert": Scope.WRITE,
    "list_accounts": Scope.ADMIN,
    "create_account": Scope.ADMIN,
    "change_account": Scope.ADMIN,
    "list_api_keys": Scope.ADMIN,
    "create_api_key": Scope.ADMIN,
    "revoke_api_key": Scope.ADMIN,
    "list_audited_calls": Scope.ADMIN,
    "predict": Scope.PREDICT,
    "predict_bulk": Scope.PREDICT,
    "list_predictions": Scope.READ,
    "get_prediction": Scope.READ,
    "prediction_accuracy": Scope.READ,
    "predict_future": Scope.PREDICT,
    "cancel_future": Scope.PREDICT,
    "stream_future": Scope.READ,
    "future_status": Scope.READ,
    "future_partial_status": Scope.READ,
    "train": Scope.WRITE,
    "list_trainings": Scope.READ,
    "train_status": Scope.READ,
    "cancel_training": Scope.WRITE,
    "list_models": Scope.READ,
    "create_model": Scope.WRITE,
    "get_model": Scope.READ,
    "change_model": Scope.WRITE,
    "delete_model": Scope.WRITE,
    "list_features": Scope.READ,
    "list_model_types": Scope.READ,
    "list_model_changes": Scope.READ,
    "get_model_card": Scope.READ,
    "get_model_curves": Scope.READ,
    "get_model_fit": Scope.READ,
    "promote_version": Scope.WRITE,
    "roll_back": Scope.WRITE,
    "compare_versions": Scope.READ,
    "backtest_model": Scope.READ,
    "get_retraining_policy": Scope.READ,
    "set_retraining_policy": Scope.WRITE,
    "get_retraining_evidence": Scope.READ,
    "list_retraining_policies": Scope.READ,
    "list_all_retrainings": Scope.READ,
    "list_retrainings": Scope.READ,
    "start_retraining": Scope.WRITE,
    "approve_retraining": Scope.WRITE,
    "cancel_retraining": Scope.WRITE,
    "start_simulation": Scope.WRITE,
    "list_simulations": Scope.READ,
    "get_simulation": Scope.READ,
    "list_simulation_decisions": Scope.READ,
    "cancel_simulation": Scope.WRITE,
    "resume_simulation": Scope.WRITE,
    "delete_simulation": Scope.WRITE,
    "get_simulation_report": Scope.READ,
    "show_simulation_report": None,  # its address is signed
    "list_mlflow_models": Scope.READ,
    "get_mlflow_model": Scope.READ,
    "list_datasets": Scope.READ,
    "list_prices": Scope.READ,
    "list_dataset_features": Scope.READ,
    "get_quality": Scope.READ,
    "list_monitored": Scope.READ,
    "get_monitored": Scope.READ,
    "list_reports": Scope.READ,
    "get_report": Scope.READ,
    "show_report": None,  # its address is signed
    "list_flows": Scope.READ,
    "start_flow": Scope.WRITE,
    "get_flow_run": Scope.READ,
    "delete_dataset": Scope.WRITE,
    "start_etl": Scope.WRITE,
    "upload_prices": Scope.WRITE,
    "list_etl_runs": Scope.READ,
    "get_etl_run": Scope.READ,
    "cancel_etl_run": Scope.WRITE,
    "find_instruments": Scope.READ,
    "list_exchanges": Scope.READ,
    "list_watchlists": Scope.READ,
    "create_watchlist": Scope.READ,
    "get_watchlist": Scope.READ,
    "replace_watchlist": Scope.READ,
    "delete_watchlist": Scope.READ,
    "market_clock": Scope.READ,
    "system_versions": Scope.READ,
    "system_queues": Scope.READ,
    "system_links": Scope.READ,
    "system_health": Scope.READ,
}

ROUTES = [route for role in ("train", "predict") for route in routes_of(role) if isinstance(route, APIRoute)]  # type: ignore[arg-type]


class Door:
    """Everything that decides who comes in, in memory."""

    def __init__(self, settings: AccessSettings) -> None:
        self.tokens = AccessTokens(KEY, settings.token_lifetime)
        self.accounts = MemoryAccounts()
        self.api_keys = MemoryApiKeys(self.accounts)
        self.audit = MemoryAuditLog()
        self.budget = MemoryCallBudget()
        self.sessions = SessionDesk(
            self.accounts,
            MemoryRefreshTokens(),
            self.tokens,
            MemoryLoginThrottle(settings.login_attempts, settings.login_window),
            settings,
        )
        self.lookup_error: Exception | None = None
        self.callers = Callers(self.tokens, PLATFORM_KEY, self._account, self.api_keys.find)
        self.guard = AccessGuard(self.callers, CallLimiter(self.budget, settings))
        desk = AccountDesk(self.accounts)
        self.operator = desk.create("olga", PASSWORD, Role.OPERATOR)
        self.viewer = desk.create("vic", PASSWORD, Role.VIEWER)

    def _account(self, account_id: Any) -> Any:
        if self.lookup_error is not None:
            raise self.lookup_error
        return self.accounts.by_id(account_id)

    def token(self, who: str) -> dict[str, str]:
        account = self.operator if who == "operator" else self.viewer
        return {"Authorization": f"Bearer {self.tokens.issue(str(account.id), account.name, account.role)}"}

    def key(self, *scopes: Scope) -> dict[str, str]:
        return {"X-API-Key": self.api_keys.create(self.operator.id, "test", scopes)[1]}


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


def calls(route: APIRoute) -> list[tuple[str, str]]:
    path = route.path_format
    for name in route.param_convertors:
        path = path.replace("{" + name + "}", "11111111-1111-1111-1111-111111111111")
    return [(method, path) for method in sorted(route.methods)]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_has_the_rule_that_was_thought_of(route: APIRoute) -> None:
    for method, path in calls(route):
        assert needed_scope(method, path) == RULES[route.name], f"{method} {path}"
        assert needed_scope(method, path.rstrip("/") + "/") == RULES[route.name]


@pytest.mark.parametrize("role", ["train", "predict"])
async def test_nobody_a_viewer_and_an_operator_get_as_far_as_the_rules_say(
    role: Any, both: dict[str, httpx.AsyncClient], door: Door
) -> None:
    door.budget.spent.clear()
    for route in routes_of(role):
        if not isinstance(route, APIRoute):
            continue
        needed = RULES[route.name]
        for method, path in calls(route):
            nobody = await both[role].request(method, path)
            viewer = await both[role].request(method, path, headers=door.token("viewer"))
            operator = await both[role].request(method, path, headers=door.token("operator"))
            door.budget.spent.clear()
            where = f"{method} {path}"
            assert (nobody.status_code == 401) == (needed is not None or route.name == "refresh_session"), where
            assert (viewer.status_code == 403) == (needed in (Scope.WRITE, Scope.ADMIN)), where
            assert operator.status_code not in (403, 429), where
            if needed is not None:
                assert operator.status_code != 401, where
                assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
                assert nobody.headers["Content-Type"] == "application/problem+json"
                assert nobody.json()["request_id"] == nobody.headers["X-Request-ID"]


def test_the_document_says_who_may_call_what() -> None:
    found = document()
    assert set(found["components"]["securitySchemes"]) == {"bearer", "api_key"}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            needed = needed_scope(method.upper(), path)
            if needed is None:
                assert operation["security"] == []
            else:
                assert operation["security"] == [{"bearer": [needed]}, {"api_key": [needed]}]
                assert {"401", "403", "429"} <= set(operation["responses"]), path
            if "requestBody" in operation:
                assert {"413", "415"} <= set(operation["responses"]), path


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


async def test_callers_are_counted_and_told_when_to_come_again(train: httpx.AsyncClient, door: Door) -> None:
    statuses = [(await train.get("/api/models/", headers=door.token("viewer"))).status_code for _ in range(51)]
    assert statuses == [200] * 50 + [429]
    refused = await train.get("/api/models/", headers=door.token("viewer"))
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await train.get("/api/models/", headers=door.token("operator"))).status_code == 200


async def test_without_redis_calls_pass_uncounted(train: httpx.AsyncClient, door: Door) -> None:
    door.budget.error = RedisDownError("refused")
    statuses = {(await train.get("/api/models/", headers=door.token("viewer"))).status_code for _ in range(60)}
    assert statuses == {200}
    assert "stock_rate_limit_unavailable_total 60.0" in (await train.get("/metrics")).text


async def test_who_was_known_comes_in_while_the_database_is_down(
    train: httpx.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await train.get("/api/models/", headers=door.token("viewer"))).status_code == 200
    monkeypatch.setattr("stock_mlops.services.callers._FRESH_SECONDS", 0.0)
    door.lookup_error = OperationalError("SELECT", {}, Exception("refused"))
    assert (await train.get("/api/models/", headers=door.token("viewer"))).status_code == 200
    unknown = await train.get("/api/models/", headers=door.token("operator"))
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "5")


async def test_who_invents_keys_does_not_keep_out_who_is_known(
    train: httpx.AsyncClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = door.key(Scope.READ)
    assert (await train.get("/api/models/", headers=known)).status_code == 200
    find, running, most = door.api_keys.find, [0], [0]
    release = threading.Event()

    def slow(key: str) -> Any:
        if key != known["X-API-Key"]:
            running[0] += 1
            most[0] = max(most[0], running[0])
            assert release.wait(10)
            running[0] -= 1
        return find(key)

    monkeypatch.setattr(door.callers, "_find_key", slow)
    monkeypatch.setattr("stock_mlops.services.callers._FRESH_SECONDS", 0.0)
    async with anyio.create_task_group() as flood:
        for number in range(60):
            flood.start_soon(lambda number=number: train.get("/api/models/", headers={"X-API-Key": f"smk_{number}"}))
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(5):
            assert (await train.get("/api/models/", headers=known)).status_code == 200
        release.set()
    assert most[0] <= 2


async def test_every_changing_call_is_in_the_audit_log_and_no_other(
    train: httpx.AsyncClient, predict: httpx.AsyncClient, door: Door
) -> None:
    await train.get("/api/models/", headers=door.token("operator"))
    await predict.post("/api/predict/", json={"ticker": "AAPL"}, headers=door.token("viewer"))
    assert door.audit.calls == []
    made = await train.post(
        "/api/models/", json={"ticker": "AAPL", "model_type": "ridge"}, headers=door.token("operator")
    )
    await train.post("/api/auth/login", json={"name": "vic", "password": "wrong"})
    page = (await train.get("/api/audit?limit=1", headers=door.token("operator"))).json()
    assert [(item["actor"], item["path"], item["status"]) for item in page["items"]] == [
        ("nobody", "/api/auth/login", 401)
    ]
    older = (await train.get(f"/api/audit?before={page['next']}", headers=door.token("operator"))).json()
    assert [(item["actor"], item["method"], item["status"], item["request_id"]) for item in older["items"]] == [
        ("olga", "POST", made.status_code, made.headers["X-Request-ID"])
    ]
    assert older["next"] is None


async def test_what_a_known_caller_is_refused_is_in_the_audit_log_and_what_nobody_tries_is_not(
    train: httpx.AsyncClient, door: Door
) -> None:
    await train.post("/api/models/", json={"ticker": "AAPL", "model_type": "ridge"})
    await train.post("/api/train", json={}, headers=door.token("viewer"))
    assert [(call.actor, call.path, call.status) for call in door.audit.calls] == [("vic", "/api/train", 403)]


async def test_a_call_that_cannot_be_audited_is_counted(train: httpx.AsyncClient, door: Door) -> None:
    door.audit.error = ConnectionError("down")
    body = {"ticker": "AAPL", "model_type": "ridge"}
    assert (await train.post("/api/models/", json=body, headers=door.token("operator"))).status_code == 201
    assert "stock_audit_failures_total 1.0" in (await train.get("/metrics")).text


async def test_bodies_are_measured_as_they_come(train: httpx.AsyncClient, door: Door) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 100

    honest = await train.post("/api/models/", content=b" " * 4000, headers=door.token("operator"))
    hidden = await train.post("/api/models/", content=stream(), headers=door.token("operator"))
    lying = await train.post(
        "/api/models/", content=b" " * 4000, headers={**door.token("operator"), "Content-Length": "10"}
    )
    for answer in (honest, hidden, lying):
        assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
        assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "zstd"])
async def test_a_compressed_body_is_refused(train: httpx.AsyncClient, door: Door, encoding: str) -> None:
    headers = {**door.token("operator"), "Content-Encoding": encoding}
    answer = await train.post("/api/models/", content=b"x", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_pages_of_the_named_origins_may_call_and_no_others(train: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = await train.options("/api/models/", headers={"Origin": "https://desk.example", **asked})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://desk.example"
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    refused = await train.options("/api/models/", headers={"Origin": "https://evil.example", **asked})
    assert "Access-Control-Allow-Origin" not in refused.headers
    # A page can read why it was refused.
    answer = await train.get("/api/models/", headers={"Origin": "https://desk.example"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, "https://desk.example")


async def test_a_ticket_is_for_who_may_read(train: httpx.AsyncClient, door: Door) -> None:
    answer = await train.post("/api/auth/ws-ticket", headers=door.token("viewer"))
    assert (answer.status_code, answer.json()) == (201, {"ticket": "ticket-1", "expires_in": 30})
    assert (await train.post("/api/auth/ws-ticket", headers=door.key(Scope.PREDICT))).status_code == 403
