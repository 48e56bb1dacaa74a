from __future__ import annotations

from typing import Any

import httpx
import pytest
from stock_mlops.errors import DependencyUnavailableError

from .watching import RUN, Flows, Watched

pytestmark = pytest.mark.anyio

REPORT = "US_AAPL_20261122T050000Z_v3"


async def test_all_tickers_tell_their_newest_numbers(train: httpx.AsyncClient) -> None:
    (item,) = (await train.get("/api/monitoring")).json()["items"]
    assert (item["exchange"], item["ticker"], item["session"], item["model_version"]) == (
        "US",
        "AAPL",
        "2012-06-29",
        "3",
    )
    assert item["numbers"][1] == {
        "monitor": "drift",
        "part": "",
        "measure": "sessions",
        "value": 5.0,
        "threshold": 4.0,
    }


async def test_a_ticker_tells_its_numbers_over_the_sessions(train: httpx.AsyncClient) -> None:
    body = (await train.get("/api/monitoring/us/aapl?sessions=2")).json()
    coverage = body["series"][2]
    assert (coverage["monitor"], coverage["part"], coverage["measure"]) == ("coverage", "1", "0.9")
    assert coverage["points"] == [
        {"session": "2012-06-28", "value": 0.88, "model_version": "3"},
        {"session": "2012-06-29", "value": 0.88, "model_version": "3"},
    ]
    one = (await train.get("/api/monitoring/US/AAPL?sessions=1")).json()
    assert [len(series["points"]) for series in one["series"]] == [1, 1, 1]


async def test_who_has_the_answer_already_is_not_sent_it_again(train: httpx.AsyncClient) -> None:
    first = await train.get("/api/monitoring/US/AAPL")
    again = await train.get("/api/monitoring/US/AAPL", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_ticker_that_nobody_looked_at_is_not_found(train: httpx.AsyncClient) -> None:
    answer = await train.get("/api/monitoring/US/MSFT")
    assert answer.status_code == 404
    assert "has not been looked at yet" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/US/AAPL?sessions=0", "/MOON/AAPL", "/US/AAPL?points=3", "/reports?exchange=MOON"])
async def test_an_odd_question_is_refused(train: httpx.AsyncClient, path: str) -> None:
    assert (await train.get(f"/api/monitoring{path}")).status_code == 422


async def test_a_store_that_is_down_is_named(train: httpx.AsyncClient, watched: Watched) -> None:
    watched.error = DependencyUnavailableError("ClickHouse", "no answer")
    answer = await train.get("/api/monitoring")
    assert answer.status_code == 503
    assert "ClickHouse" in answer.json()["detail"]


async def test_reports_are_listed_with_their_address(train: httpx.AsyncClient) -> None:
    (item,) = (await train.get("/api/monitoring/reports?ticker=aapl")).json()["items"]
    assert (item["name"], item["model_version"], item["url"]) == (REPORT, 3, f"/api/monitoring/reports/{REPORT}")
    assert (await train.get("/api/monitoring/reports?ticker=MSFT")).json() == {"items": [], "next_cursor": None}


async def test_reports_come_page_by_page_the_newest_first(train: httpx.AsyncClient, watched: Watched) -> None:
    names = [f"US_AAPL_202611{day:02}T050000Z_v3" for day in range(1, 8)]
    watched.pages = dict.fromkeys(names, b"")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = (await train.get("/api/monitoring/reports", params=query)).json()
        assert len(page["items"]) <= 3
        seen += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == names[::-1]


@pytest.mark.parametrize("cursor", ["x", "US_AAPL_20269999T050000Z_v3", "MOON_AAPL_20261101T050000Z_v3"])
async def test_a_cursor_that_no_page_gave_is_refused(train: httpx.AsyncClient, cursor: str) -> None:
    answer = await train.get("/api/monitoring/reports", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.cursor"


async def test_a_reports_page_may_draw_itself_and_do_nothing_else(train: httpx.AsyncClient) -> None:
    page = await train.get(f"/api/monitoring/reports/{REPORT}")
    assert page.text == "<html>all of it</html>"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["sandbox"] == "allow-scripts"  # not allow-same-origin: it must not be our page
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert "connect-src" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert (await train.get("/api/monitoring/reports/US_MSFT_20261122T050000Z_v1")).status_code == 404


async def test_a_signed_address_shows_the_page_to_a_frame_and_no_other_page(train: httpx.AsyncClient) -> None:
    (item,) = (await train.get("/api/monitoring/reports")).json()["items"]
    page = await train.get(item["page_url"])
    assert page.text == "<html>all of it</html>"
    assert "sandbox allow-scripts" in page.headers["Content-Security-Policy"]
    forged = item["page_url"].replace("v3", "v4")
    assert (await train.get(forged)).status_code == 404
    assert (await train.get(f"/api/monitoring/pages/{REPORT}")).status_code == 422


# --- flows ---


async def test_flows_are_listed_with_schedules_and_runs(train: httpx.AsyncClient) -> None:
    etl, monitoring = (await train.get("/api/flows")).json()["items"]
    assert (etl["name"], etl["startable"], etl["last_run_state"]) == ("etl", False, None)
    assert (monitoring["startable"], monitoring["schedules"]) == (True, ["every 3600 s"])
    assert (monitoring["last_run_id"], monitoring["last_run_state"]) == (RUN, "completed")


async def test_a_flow_is_started_with_its_parameters_and_can_be_followed(
    train: httpx.AsyncClient, flows: Flows
) -> None:
    answer = await train.post("/api/flows/monitoring/runs", json={"parameters": {"tickers": ["AAPL"]}})
    assert answer.status_code == 202
    assert flows.started == [("monitoring/monitoring", {"tickers": ["AAPL"]})]
    assert answer.headers["Location"] == f"/api/flows/runs/{RUN}"
    assert (await train.get(answer.headers["Location"])).json()["state"] == "pending"


@pytest.mark.parametrize(("name", "hint"), [("etl", "/api/datasets/etl"), ("coffee", "there are monitoring")])
async def test_a_flow_that_cannot_be_started_here_says_what_can(train: httpx.AsyncClient, name: str, hint: str) -> None:
    answer = await train.post(f"/api/flows/{name}/runs", json={})
    assert answer.status_code == 404
    assert hint in answer.json()["detail"]


async def test_parameters_that_are_not_the_flows_are_refused(train: httpx.AsyncClient) -> None:
    answer = await train.post("/api/flows/monitoring/runs", json={"parameters": {"colour": "red"}})
    assert answer.status_code == 422


async def test_without_the_workflows_service_no_flow_starts(train: httpx.AsyncClient, flows: Flows) -> None:
    flows.served = False
    answer = await train.post("/api/flows/monitoring/runs", json={})
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers


async def test_a_run_that_there_is_not_is_not_found(train: httpx.AsyncClient) -> None:
    assert (await train.get("/api/flows/runs/00000000-0000-0000-0000-000000000000")).status_code == 404
