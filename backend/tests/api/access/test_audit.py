"""What callers change is in the audit log."""

from __future__ import annotations

import httpx
import pytest

from .door import Door

pytestmark = pytest.mark.anyio


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
