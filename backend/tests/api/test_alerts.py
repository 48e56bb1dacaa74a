from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
from api.schemas.alerts import AlertQuery

from .alerts import MemoryAlertOffice

pytestmark = pytest.mark.anyio


async def listed(train: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await train.get(f"/api/alerts?{query}")
    assert answer.status_code == 200, answer.text
    return [item["ticker"] for item in answer.json()["items"]]


async def test_alerts_are_listed_newest_first_and_paged(train: httpx.AsyncClient, alerts: MemoryAlertOffice) -> None:
    for tickers in (["AAPL"], ["AAPL", "IBM"], ["AAPL", "IBM", "MSFT"]):
        alerts.check(*tickers)
    first = (await train.get("/api/alerts?limit=2")).json()
    assert [item["ticker"] for item in first["items"]] == ["MSFT", "IBM"]
    assert await listed(train, f"limit=2&cursor={first['next_cursor']}") == ["AAPL"]
    (item, _) = first["items"]
    assert (item["state"], item["severity"], item["detector"]) == ("firing", "warning", "feature_drift")
    assert (item["subject"], item["count"], item["revision"]) == ("US:MSFT", 1, 1)


async def test_alerts_are_filtered(train: httpx.AsyncClient, alerts: MemoryAlertOffice) -> None:
    alerts.check("AAPL", "IBM")
    alerts.check("IBM")
    alerts.check("MSFT", detector="feature_parity", severity="critical")
    assert await listed(train, "state=resolved") == ["AAPL"]
    assert await listed(train, "state=firing&exchange=us") == ["MSFT", "IBM"]
    assert await listed(train, "severity=critical") == ["MSFT"]
    assert await listed(train, "detector=feature_drift&ticker=ibm") == ["IBM"]
    assert await listed(train, "service=backend1") == []
    assert await listed(train, "acknowledged=true") == []
    moment = alerts.now.isoformat().replace("+00:00", "Z")
    assert await listed(train, f"since={moment}") == ["MSFT"]


def test_moments_are_told_to_the_database_in_utc() -> None:
    """PostgreSQL's zones end before sixteen hours."""
    since = AlertQuery(since="0242-02-06T11:33:53+19:28").since
    assert since is not None
    assert since.isoformat() == "0242-02-05T16:05:53+00:00"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=open", "query.state"),
        ("severity=bad", "query.severity"),
        ("since=2026-01-05T12:00:00", "query.since"),
        ("since=yesterday", "query.since"),
        ("since=0.5", "query.since"),
        ("since=0001-01-01T00:00:00%2B19:28", "query.since"),
        ("exchange=MOON", "query.exchange"),
        ("limit=0", "query.limit"),
        ("cursor=x", "query.cursor"),
        ("detector=", "query.detector"),
        ("colour=red", "query.colour"),
    ],
)
async def test_a_wrong_filter_is_refused_by_its_name(train: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await train.get(f"/api/alerts?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def one(train: httpx.AsyncClient) -> dict[str, Any]:
    (item,) = (await train.get("/api/alerts")).json()["items"]
    found: dict[str, Any] = item
    return found


async def test_an_alert_is_acknowledged_and_everybody_hears_of_it(
    train: httpx.AsyncClient, alerts: MemoryAlertOffice
) -> None:
    alerts.check("AAPL")
    alert = await one(train)
    url = f"/api/alerts/{alert['alert_id']}"
    answer = await train.post(f"{url}/acknowledge", json={"comment": "looking"})
    assert answer.status_code == 200
    assert (answer.json()["acknowledged_by"], answer.json()["comment"], answer.json()["revision"]) == (
        "anybody",
        "looking",
        2,
    )
    assert await one(train) == answer.json()
    assert await listed(train, "acknowledged=true") == ["AAPL"]
    event = alerts.table.events[-1]
    assert (event.change, event.state, event.acknowledged_by, event.revision) == (
        "acknowledged", "firing", "anybody", 2,
    )  # fmt: skip
    detail = (await train.get(url)).json()
    assert [(entry["change"], entry["actor"], entry["detail"]) for entry in detail["history"]] == [
        ("raised", None, "of returns"),
        ("acknowledged", "anybody", "looking"),
    ]
    assert detail["deliveries"][0]["receiver"] == "webhook"


async def test_acknowledging_without_a_comment_is_fine_and_with_an_empty_one_not(
    train: httpx.AsyncClient, alerts: MemoryAlertOffice
) -> None:
    alerts.check("AAPL")
    url = f"/api/alerts/{(await one(train))['alert_id']}/acknowledge"
    assert (await train.post(url, json={})).json()["comment"] is None
    assert (await train.post(url, json={"comment": ""})).status_code == 422
    assert (await train.post(url, json={"comment": "x" * 1001})).status_code == 422
    assert (await train.post(url, json={"commment": "x"})).status_code == 422


async def test_an_alert_that_there_is_not_is_404(train: httpx.AsyncClient) -> None:
    url = f"/api/alerts/{uuid4()}"
    assert (await train.get(url)).status_code == 404
    assert (await train.post(f"{url}/acknowledge", json={})).status_code == 404
    assert (await train.get("/api/alerts/seven")).status_code in (404, 422)
