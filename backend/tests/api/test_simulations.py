"""Simulations over HTTP, on the real desk over stores in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from stock_mlops.simulation.state import Stage, State
from stock_mlops.stores.jobs import JobState
from stock_mlops.stores.simulations import Decision, Position

from .simulations import Simulated

pytestmark = pytest.mark.anyio

URL = "/api/simulations"
BODY: dict[str, Any] = {"first": "2010-01-04", "last": "2010-12-31", "tickers": ["aapl", "MSFT"], "name": "a year"}
SUMMARY: dict[str, Any] = {
    "forecasts": 504,
    "settled": 502,
    "trainings": 26,
    "promotions": 3,
    "rejections": 20,
    "confirmations": 2,
    "rollbacks": 1,
    "failures": 0,
    "rejected_because": {"not_worse": 20},
    "rmse": 0.017,
    "skill": -0.01,
    "hit_rate": 0.51,
    "coverage": 0.89,
    "level": 0.9,
    "money": {
        "strategy_return": 0.1,
        "buy_and_hold_return": 0.2,
        "sharpe": 0.4,
        "max_drawdown": -0.1,
        "turnover": 0.2,
        "cost_bps": 5.0,
    },
    "alerts": 4,
    "false_alarms": 1,
    "alerts_by_detector": {"drift": {"alerts": 4, "false_alarms": 1}},
    "by_ticker": [],
    "series": [],
    "verified": {"days": 20, "equal": 20, "differences": []},
}


async def begun(train: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await train.post(URL, json=BODY | values)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = (await train.get(answer.headers["Location"])).json()
    return found


async def test_a_simulation_is_accepted_and_waits_for_a_worker(train: httpx.AsyncClient, simulated: Simulated) -> None:
    answer = await train.post(URL, json=BODY)
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert (body["state"], body["status_url"]) == ("pending", answer.headers["Location"])
    told = (await train.get(body["status_url"])).json()
    assert (told["state"], told["stage"], told["sessions_total"], told["progress"]) == ("pending", "preparing", 252, 0)
    assert (told["request"]["tickers"], told["name"], told["created_by"]) == (["AAPL", "MSFT"], "a year", "anybody")
    assert told["request"]["policy"]["new_sessions"] == {"mode": "automatic", "threshold": 21}
    assert told["counts"]["forecasts"] == 0
    assert (told["summary"], told["report_url"], told["page_url"]) == (None, None, None)
    assert len(simulated.jobs) == 1


async def test_only_one_is_at_work_at_a_time(train: httpx.AsyncClient) -> None:
    first = await begun(train)
    second = await train.post(URL, json=BODY)
    assert (second.status_code, second.json()["code"]) == (409, "simulation_open")
    await train.post(f"{URL}/{first['simulation_id']}/cancel")
    await begun(train)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"first": "2010-12-31"}, "body.first"),
        ({"first": 20100104}, "body.first"),
        ({"tickers": []}, "body.tickers"),
        ({"tickers": ["A B"]}, "body.tickers.0"),
        ({"model_type": "crystal_ball"}, "model_type"),
        ({"retrain_every": 1}, "body.retrain_every"),
        ({"cost_bps": -1}, "body.cost_bps"),
        ({"policy": {"shadow_sessions": -1}}, "body.policy.shadow_sessions"),
        ({"until": "2011-01-01"}, "body.until"),
    ],
)
async def test_what_cannot_be_simulated_is_refused_by_its_name(
    train: httpx.AsyncClient, simulated: Simulated, values: dict[str, Any], where: str
) -> None:
    answer = await train.post(URL, json=BODY | values)
    assert answer.status_code == 422, answer.text
    assert where in {error["field"] for error in answer.json()["errors"]}
    assert not simulated.table.rows


async def test_a_search_of_a_model_type_without_parameters_is_refused(
    train: httpx.AsyncClient, simulated: Simulated
) -> None:
    answer = await train.post(URL, json=BODY | {"policy": {"challenger": "search"}, "model_type": "random_walk"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_model")
    assert "has no parameters to search for" in answer.json()["detail"]
    assert not simulated.table.rows


async def test_tickers_without_prices_are_refused(train: httpx.AsyncClient) -> None:
    answer = await train.post(URL, json=BODY | {"tickers": ["NOPE"]})
    assert (answer.status_code, answer.json()["detail"]) == (422, "no prices of NOPE")


async def test_a_policy_replaces_the_monthly_one_and_null_switches_it_off(train: httpx.AsyncClient) -> None:
    told = await begun(train, policy={"age": {"mode": "automatic", "threshold": 63}, "shadow_sessions": 20})
    assert told["request"]["policy"]["age"] == {"mode": "automatic", "threshold": 63}
    assert told["request"]["policy"]["new_sessions"]["mode"] == "off"
    await train.post(f"{URL}/{told['simulation_id']}/cancel")
    never = await begun(train, retrain_every=None)
    assert never["request"]["policy"]["new_sessions"]["mode"] == "off"


async def test_progress_and_decisions_are_told_while_it_runs(train: httpx.AsyncClient, simulated: Simulated) -> None:
    told = await begun(train)
    identity, retraining = UUID(told["simulation_id"]), uuid4()
    simulated.table.move(identity, State.RUNNING, job_id=next(iter(simulated.jobs)))
    steps = [
        Decision(retraining, revision, date(2010, 2, 4), "AAPL", event, before, after, 2, "because", [])
        for revision, (event, before, after) in enumerate(
            [("began", None, "triggered"), ("submitted", "triggered", "training")]
        )
    ]
    position = Position(Stage.FORECAST, date(2010, 2, 4), 63, {"forecasts": 126, "trainings": 1}, pace=0.5)
    assert simulated.table.advance(identity, position, steps)
    now = (await train.get(f"{URL}/{identity}")).json()
    assert (now["state"], now["stage"], now["session"]) == ("running", "forecasting", "2010-02-04")
    assert (now["progress"], now["seconds_left"]) == (0.25, 94.5)
    assert (now["counts"]["forecasts"], now["counts"]["rollbacks"]) == (126, 0)
    decided = (await train.get(f"{URL}/{identity}/decisions?limit=1")).json()
    assert (decided["total"], decided["items"][0]["event"]) == (2, "submitted")
    older = (await train.get(f"{URL}/{identity}/decisions?offset=1")).json()["items"]
    assert [(item["event"], item["from_state"]) for item in older] == [("began", None)]


async def test_a_completed_one_tells_what_came_of_it_and_shows_its_report(
    train: httpx.AsyncClient, simulated: Simulated
) -> None:
    identity = UUID((await begun(train))["simulation_id"])
    missing = await train.get(f"{URL}/{identity}/report")
    assert missing.status_code == 404
    simulated.table.move(identity, State.RUNNING)
    simulated.table.move(identity, State.COMPLETED, summary=SUMMARY)
    simulated.pages[identity, "html"] = b"<html>it went well</html>"
    simulated.pages[identity, "markdown"] = b"# It went well"
    told = (await train.get(f"{URL}/{identity}")).json()
    assert (told["progress"], told["stage"], told["summary"]) == (1.0, "done", SUMMARY)
    page = await train.get(told["report_url"])
    assert page.text == "<html>it went well</html>"
    assert "sandbox" in page.headers["Content-Security-Policy"]
    markdown = await train.get(f"{told['report_url']}?format=markdown")
    assert (markdown.text, markdown.headers["Content-Type"]) == ("# It went well", "text/markdown; charset=utf-8")
    framed = await train.get(told["page_url"])
    assert framed.text == "<html>it went well</html>"
    forged = told["page_url"].replace(str(identity), str(uuid4()))
    assert (await train.get(forged)).status_code == 404


async def test_a_cancelled_one_has_ended_and_its_job_too(train: httpx.AsyncClient, simulated: Simulated) -> None:
    identity = (await begun(train))["simulation_id"]
    ended = await train.post(f"{URL}/{identity}/cancel")
    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert [job.state for job in simulated.jobs.values()] == [JobState.CANCELLED]
    again = await train.post(f"{URL}/{identity}/cancel")
    assert again.status_code == 409
    resumed = await train.post(f"{URL}/{identity}/resume")
    assert resumed.status_code == 409


async def test_a_paused_one_goes_on_where_it_stood(train: httpx.AsyncClient, simulated: Simulated) -> None:
    identity = UUID((await begun(train))["simulation_id"])
    simulated.table.move(identity, State.RUNNING)
    simulated.table.advance(identity, Position(Stage.LOAD, date(2010, 3, 1), 40))
    simulated.table.move(identity, State.PAUSED)
    resumed = await train.post(f"{URL}/{identity}/resume")
    assert (resumed.status_code, resumed.headers["Location"]) == (202, f"{URL}/{identity}")
    told = (await train.get(f"{URL}/{identity}")).json()
    assert (told["state"], told["sessions_done"]) == ("pending", 40)
    assert len(simulated.jobs) == 2


async def test_one_whose_workers_were_lost_too_often_is_told_as_failed(
    train: httpx.AsyncClient, simulated: Simulated
) -> None:
    identity = UUID((await begun(train))["simulation_id"])
    [job] = simulated.jobs.values()
    simulated.table.move(identity, State.RUNNING, job_id=job.id)
    error = {"title": "The worker was lost", "detail": "five times", "code": "worker_lost"}
    simulated.jobs[job.id] = replace(job, state=JobState.FAILED, error=error)
    told = (await train.get(f"{URL}/{identity}")).json()
    assert (told["state"], told["error"]) == ("failed", error)


async def test_an_ended_one_is_forgotten_with_all_it_left(train: httpx.AsyncClient, simulated: Simulated) -> None:
    identity = UUID((await begun(train))["simulation_id"])
    assert (await train.delete(f"{URL}/{identity}")).status_code == 409
    await train.post(f"{URL}/{identity}/cancel")
    simulated.pages[identity, "html"] = b"<html></html>"
    assert (await train.delete(f"{URL}/{identity}")).status_code == 204
    assert (simulated.pages, simulated.cleared) == ({}, [identity])
    assert (await train.get(f"{URL}/{identity}")).status_code == 404


async def test_pages_follow_each_other(train: httpx.AsyncClient) -> None:
    made = []
    for _ in range(3):
        made.append((await begun(train))["simulation_id"])
        await train.post(f"{URL}/{made[-1]}/cancel")
    first = (await train.get(f"{URL}?limit=2")).json()
    rest = (await train.get(URL, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["simulation_id"] for item in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None


async def test_what_does_not_exist_is_not_found(train: httpx.AsyncClient) -> None:
    unknown = uuid4()
    for answer in (
        await train.get(f"{URL}/{unknown}"),
        await train.get(f"{URL}/{unknown}/decisions"),
        await train.get(f"{URL}/{unknown}/report"),
        await train.post(f"{URL}/{unknown}/cancel"),
        await train.post(f"{URL}/{unknown}/resume"),
        await train.delete(f"{URL}/{unknown}"),
    ):
        assert answer.status_code == 404
        assert "GET /api/simulations lists" in answer.json()["detail"]
