"""Access switched on over the real servers: who comes in, with what, and how often; what is refused, and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import text
from stock_kit.access import Role, access_secrets
from stock_kit.clock import wall_now
from stock_kit.tokens import AccessTokens
from stock_local.testing import LocalStack, stack_environment
from stock_mlops.stores.postgres import get_engine
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.integration.support import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

# What was revoked works for so long at most.
REVOKED_WITHIN = 5.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of these tests' own: access is on in it, and its limits are low enough to meet."""
    environment = stack_environment(tmp_path_factory.mktemp("guarded")) | {
        "STOCK_ACCESS__ENABLED": "true",
        "STOCK_ACCESS__LOGIN_ATTEMPTS": "5",
        "STOCK_ACCESS__CHANGES_PER_MINUTE": "1000",
        "STOCK_ACCESS__BODY_LIMIT": "65536",
        "STOCK_REPLAY__ENABLED": "false",
    }
    stack = LocalStack(environment)
    try:
        stack.require("backend1", "backend2", "ws_monitor", "nginx")
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="module")
def api(guarded: LocalStack) -> Iterator[httpx.Client]:
    """Through nginx, as everybody."""
    with httpx.Client(base_url=guarded.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def password(guarded: LocalStack) -> str:
    return access_secrets(guarded.settings).admin_password


def login(api: httpx.Client, name: str, password: str) -> dict[str, Any]:
    answer = api.post("/api/auth/login", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    session: dict[str, Any] = answer.json()
    return session


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def operator(api: httpx.Client, password: str) -> dict[str, str]:
    wait_for(
        lambda: api.post("/api/auth/login", json={"name": "admin", "password": password}).status_code == 200,
        seconds=30,
        what="the administrator's account",
    )
    return bearer(login(api, "admin", password)["access_token"])


@pytest.fixture(scope="module")
def viewer(api: httpx.Client, operator: dict[str, str]) -> dict[str, str]:
    body = {"name": "vic", "password": "looking only, please"}
    assert api.post("/api/accounts", json=body, headers=operator).status_code == 201
    return bearer(login(api, "vic", body["password"])["access_token"])


def test_nobody_gets_in_and_probes_do(api: httpx.Client, guarded: LocalStack) -> None:
    for path in ("/api/models/", "/api/datasets", "/api/predict/", "/api/accounts", "/api/system/health"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    for backend in (guarded.settings.backend1.url, guarded.settings.backend2.url):
        assert httpx.get(f"{backend}/health").status_code == 200
        assert "http_requests_total" in httpx.get(f"{backend}/metrics").text
    assert api.get("/api/openapi.json").status_code == 200


def test_the_administrators_password_is_in_a_file_of_its_owner_and_in_no_log(
    guarded: LocalStack, password: str, operator: dict[str, str], api: httpx.Client
) -> None:
    secrets = access_secrets(guarded.settings)
    token = operator["Authorization"].removeprefix("Bearer ")
    for file in guarded.logs.iterdir():
        log = file.read_text(errors="replace")
        for secret in (password, secrets.signing_key, secrets.api_key, token):
            assert secret not in log, file


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_session(
    api: httpx.Client, operator: dict[str, str], password: str
) -> None:
    first = login(api, "admin", password)["refresh_token"]
    second = api.post("/api/auth/refresh", json={"refresh_token": first}).json()["refresh_token"]
    third = api.post("/api/auth/refresh", json={"refresh_token": second})
    assert third.status_code == 200
    assert api.post("/api/auth/refresh", json={"refresh_token": first}).status_code == 401
    assert api.post("/api/auth/refresh", json={"refresh_token": third.json()["refresh_token"]}).status_code == 401


def test_of_many_that_use_one_refresh_token_at_once_one_gets_a_successor(
    api: httpx.Client, operator: dict[str, str], password: str
) -> None:
    token = login(api, "admin", password)["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: api.post("/api/auth/refresh", json={"refresh_token": token}).status_code, range(8))
        )
    assert sorted(answers) == [200] + [401] * 7


def test_the_cookie_of_a_browser_is_for_the_server_alone(
    guarded: LocalStack, operator: dict[str, str], password: str
) -> None:
    with httpx.Client(base_url=guarded.url, timeout=30) as browser:
        begun = browser.post("/api/auth/login", json={"name": "admin", "password": password, "cookie": True})
        assert begun.json()["refresh_token"] is None
        assert "HttpOnly" in begun.headers["Set-Cookie"]
        assert "SameSite=strict" in begun.headers["Set-Cookie"]
        assert browser.post("/api/auth/refresh").status_code == 200
        assert browser.post("/api/auth/logout").status_code == 204
        assert browser.post("/api/auth/refresh").status_code == 401


def test_tokens_that_are_expired_forged_or_unsigned_are_refused_by_both_backends(
    api: httpx.Client, guarded: LocalStack, operator: dict[str, str]
) -> None:
    token = operator["Authorization"].removeprefix("Bearer ")
    key = access_secrets(guarded.settings).signing_key
    claims = jwt.decode(token, options={"verify_signature": False})
    issuer = AccessTokens(key, timedelta(minutes=15))
    old = issuer.issue(claims["sub"], "admin", Role.OPERATOR, wall_now() - timedelta(minutes=16))
    strange = issuer.issue("00000000-0000-0000-0000-000000000000", "admin", Role.OPERATOR)
    forged = jwt.encode(claims, "a key that is not the platform's own one", algorithm="HS256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    header, body, signature = token.split(".")
    cut = f"{header}.{body}."
    for bad in (old, strange, forged, unsigned, cut, f"{header}.{body}.{signature[:-4]}AAAA"):
        for path in ("/api/models/", "/api/predict/"):
            assert api.get(path, headers=bearer(bad)).status_code == 401, (path, bad)


def test_a_viewer_reads_and_predicts_and_changes_nothing(api: httpx.Client, viewer: dict[str, str]) -> None:
    assert api.get("/api/models/", headers=viewer).status_code == 200
    assert api.get("/api/auth/me", headers=viewer).json()["role"] == "viewer"
    # It got as far as to look for the ticker.
    assert api.post("/api/predict/", json={"ticker": "NODATA"}, headers=viewer).status_code == 404
    for method, path, body in (
        ("POST", "/api/train", {"ticker": "AAPL", "model_type": "ridge"}),
        ("POST", "/api/models/", {"ticker": "AAPL", "model_type": "ridge"}),
        ("DELETE", "/api/models/11111111-1111-1111-1111-111111111111", None),
        ("DELETE", "/api/datasets/US/AAPL", None),
        ("POST", "/api/accounts", {"name": "eve", "password": "let me be operator", "role": "operator"}),
        ("GET", "/api/accounts", None),
        ("GET", "/api/audit", None),
        ("POST", "/api/api-keys", {"name": "mine"}),
    ):
        answer = api.request(method, path, json=body, headers=viewer)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


def test_a_key_works_on_both_backends_until_it_is_revoked(api: httpx.Client, operator: dict[str, str]) -> None:
    made = api.post("/api/api-keys", json={"name": "robot", "scopes": ["read"]}, headers=operator).json()
    key = {"X-API-Key": made["key"]}
    paths = ("/api/models/", "/api/predict/")
    assert [api.get(path, headers=key).status_code for path in paths] == [200, 200]
    assert api.post("/api/predict/", json={"ticker": "NODATA"}, headers=key).status_code == 403
    (row,) = [item for item in api.get("/api/api-keys", headers=operator).json()["items"] if item["name"] == "robot"]
    assert row["last_used_at"] is not None
    assert "key" not in row
    assert api.delete(f"/api/api-keys/{row['key_id']}", headers=operator).status_code == 204
    wait_for(
        lambda: [api.get(path, headers=key).status_code for path in paths] == [401, 401],
        seconds=REVOKED_WITHIN,
        what="the end of a revoked key",
    )


def test_the_databases_hold_hashes_only(
    guarded: LocalStack, api: httpx.Client, operator: dict[str, str], password: str
) -> None:
    key = api.post("/api/api-keys", json={"name": "stored"}, headers=operator).json()["key"]
    refresh = login(api, "admin", password)["refresh_token"]
    with get_engine(guarded.settings.model_meta_db).connect() as connection:
        rows = [
            str(row)
            for table in ("accounts", "api_keys", "refresh_tokens", "audit_log")
            for row in connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608  constants
        ]
    for secret in (key, refresh, password):
        assert not any(secret in row for row in rows)
    assert any("$argon2id$" in row for row in rows)


def test_a_disabled_account_is_out_within_seconds(api: httpx.Client, operator: dict[str, str]) -> None:
    body = {"name": "leaver", "password": "gone by tomorrow", "role": "operator"}
    account = api.post("/api/accounts", json=body, headers=operator).json()
    session = login(api, "leaver", body["password"])
    mine = bearer(session["access_token"])
    assert api.get("/api/accounts", headers=mine).status_code == 200
    changed = api.patch(f"/api/accounts/{account['account_id']}", json={"disabled": True}, headers=operator)
    assert changed.json()["disabled"] is True
    wait_for(lambda: api.get("/api/accounts", headers=mine).status_code == 401, seconds=REVOKED_WITHIN, what="the end")
    assert api.post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]}).status_code == 401
    assert api.post("/api/auth/login", json={k: body[k] for k in ("name", "password")}).status_code == 401


def test_the_audit_log_tells_who_did_what_and_whence_whatever_the_caller_claims(
    api: httpx.Client, operator: dict[str, str]
) -> None:
    body = {"ticker": "AAPL", "model_type": "ridge"}
    made = api.post("/api/models/", json=body, headers={**operator, "X-Forwarded-For": "6.6.6.6"})
    assert made.status_code == 201, made.text
    items = api.get("/api/audit", params={"actor": "admin", "limit": 5}, headers=operator).json()["items"]
    (entry,) = [item for item in items if item["request_id"] == made.headers["X-Request-ID"]]
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/api/models/", 201)
    assert entry["address"] == "127.0.0.1"


def test_guessing_a_password_is_throttled_over_all_workers(api: httpx.Client, viewer: dict[str, str]) -> None:
    guess = {"name": "vic", "password": "a guess"}
    statuses = [api.post("/api/auth/login", json=guess).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    right = api.post("/api/auth/login", json={**guess, "password": "looking only, please"})
    assert right.status_code == 429
    assert 0 < int(right.headers["Retry-After"]) <= 300


def test_a_caller_is_counted_over_both_backends_and_processes(guarded: LocalStack, operator: dict[str, str]) -> None:
    """Reading is limited to 1200 a minute; each process takes a hundredth of it at once."""
    made = guarded.cli("api-keys", "create", "flood", "--account", "admin", "--scope", "read")
    assert made.returncode == 0, made.stderr
    key = {"X-API-Key": made.stdout.split()[-1]}
    answers: list[httpx.Response] = []
    with (
        httpx.Client(base_url=guarded.settings.backend1.url) as one,
        httpx.Client(base_url=guarded.settings.backend2.url) as two,
    ):
        for _ in range(2600):
            answers.append(one.get("/api/auth/me", headers=key))
            answers.append(two.get("/api/predict/future/status/1", headers=key))
            if answers[-1].status_code == answers[-2].status_code == 429:
                break
    refused = [answer for answer in answers if answer.status_code == 429]
    # What was earned back meanwhile is on top: 20 a second.
    assert 1200 - 24 <= len(answers) - len(refused) < 2600
    assert refused[-1].json()["code"] == "too_many_requests"
    assert int(refused[-1].headers["Retry-After"]) >= 1


def test_large_and_compressed_bodies_are_refused(guarded: LocalStack, operator: dict[str, str]) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 1024

    with httpx.Client(base_url=guarded.settings.backend1.url, timeout=30) as direct:
        honest = direct.post("/api/models/", content=b" " * 70_000, headers=operator)
        assert (honest.status_code, honest.json()["code"]) == (413, "content_too_large")
        hidden = direct.post("/api/models/", content=endless(), headers=operator)
        assert (hidden.status_code, hidden.json()["code"]) == (413, "content_too_large")
        packed = direct.post("/api/models/", content=b"\x1f\x8b", headers={**operator, "Content-Encoding": "gzip"})
        assert packed.status_code == 415
        assert direct.get("/api/models/", headers=operator).status_code == 200


def socket_of(guarded: LocalStack, path: str, **options: Any) -> ClientConnection:
    return connect(guarded.url.replace("http", "ws", 1) + path, open_timeout=10, **options)


def closed_with(connection: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=15)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_a_ticket_opens_one_socket_through_nginx(
    guarded: LocalStack, api: httpx.Client, viewer: dict[str, str]
) -> None:
    ticket = api.post("/api/auth/ws-ticket", headers=viewer).json()["ticket"]
    with socket_of(guarded, f"/ws/predictions?ticket={ticket}", origin=guarded.url) as connection:
        assert json.loads(connection.recv(timeout=15))["kind"] == "snapshot"
    with socket_of(guarded, f"/ws/predictions?ticket={ticket}") as connection:
        assert closed_with(connection) == 4401


def test_a_ticket_used_by_many_at_once_opens_one_socket(
    guarded: LocalStack, api: httpx.Client, viewer: dict[str, str]
) -> None:
    ticket = api.post("/api/auth/ws-ticket", headers=viewer).json()["ticket"]

    def opens(_: int) -> bool:
        with socket_of(guarded, f"/ws/alerts?ticket={ticket}") as connection:
            try:
                return bool(connection.recv(timeout=15))
            except ConnectionClosed:
                return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(opens, range(6))) == 1


def test_a_socket_takes_a_token_as_its_first_word_and_no_secret_in_its_address(
    guarded: LocalStack, api: httpx.Client, viewer: dict[str, str]
) -> None:
    token = viewer["Authorization"].removeprefix("Bearer ")
    with socket_of(guarded, "/ws/metrics") as connection:
        connection.send(json.dumps({"token": token}))
        assert json.loads(connection.recv(timeout=15))["channel"] == "metrics"
    with socket_of(guarded, f"/ws/metrics?token={token}") as connection:
        assert closed_with(connection) == 4403
    with socket_of(guarded, "/ws/metrics") as connection:
        connection.send(json.dumps({"token": token[:-6] + "AAAAAA"}))
        assert closed_with(connection) == 4401


def test_a_page_of_another_origin_gets_no_socket_with_a_good_ticket(
    guarded: LocalStack, api: httpx.Client, viewer: dict[str, str]
) -> None:
    ticket = api.post("/api/auth/ws-ticket", headers=viewer).json()["ticket"]
    with socket_of(guarded, f"/ws/predictions?ticket={ticket}", origin="https://evil.example") as connection:
        assert closed_with(connection) == 4403


def test_nginx_tells_browsers_what_they_may_do_and_passes_on_nothing_else(api: httpx.Client) -> None:
    page = api.get("/")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    for name in ("X-Content-Type-Options", "Permissions-Policy", "Referrer-Policy", "Cross-Origin-Opener-Policy"):
        assert name in page.headers
    assert "Strict-Transport-Security" not in page.headers
    assert "Strict-Transport-Security" in api.get("/", headers={"X-Forwarded-Proto": "https"}).headers
    answer = api.get("/api/models/")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    report = api.get(f"/api/monitoring/pages/none?expires=1&signature={'0' * 64}")
    assert report.headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none';")
    assert (report.status_code, report.headers["X-Frame-Options"]) == (404, "SAMEORIGIN")
    assert answer.headers["X-Frame-Options"] == page.headers["X-Frame-Options"] == "DENY"
    for path in ("/metrics", "//metrics", "/api/../metrics", "/api/%2e%2e/metrics", "/api/predict/..%2f..%2fmetrics"):
        assert "http_requests_total" not in api.get(path).text, path
    for path in ("/mlflow/", "/api/2.0/mlflow/experiments/search", "/flower/", "/prefect/api/health", "/api/flows/"):
        text = api.get(path).text.lower()
        assert not any(word in text for word in ("experiment_id", "celery", "prefect")), path


def test_the_cookie_needs_tls_where_there_is_tls(api: httpx.Client, operator: dict[str, str], password: str) -> None:
    body = {"name": "admin", "password": password, "cookie": True}
    over_tls = api.post("/api/auth/login", json=body, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in over_tls.headers["Set-Cookie"]
    assert "Secure" not in api.post("/api/auth/login", json=body).headers["Set-Cookie"]
    api.cookies.clear()


def test_too_large_a_body_is_refused_in_the_apis_own_words_at_the_door(
    api: httpx.Client, operator: dict[str, str]
) -> None:
    answer = api.post("/api/models/", content=b" " * 3_000_000, headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")


def test_the_command_line_manages_accounts_and_calls_with_the_platforms_key(
    guarded: LocalStack, api: httpx.Client
) -> None:
    added = guarded.cli("users", "add", "clara", "--role", "viewer")
    assert added.returncode == 0, added.stderr
    first = added.stdout.split()[-1]
    assert login(api, "clara", first)["role"] == "viewer"
    assert "clara" in guarded.cli("users", "list").stdout
    changed = guarded.cli("users", "password", "clara")
    second = changed.stdout.split()[-1]
    assert api.post("/api/auth/login", json={"name": "clara", "password": first}).status_code == 401
    assert login(api, "clara", second)["name"] == "clara"
    assert guarded.cli("users", "disable", "clara").returncode == 0
    assert api.post("/api/auth/login", json={"name": "clara", "password": second}).status_code == 401
    # It got past the door, and found no data.
    predicted = guarded.cli("predict", "NODATA")
    assert predicted.returncode == 1
    assert "NODATA" in predicted.stderr
    listed = guarded.cli("api-keys", "list")
    assert "flood" in listed.stdout
