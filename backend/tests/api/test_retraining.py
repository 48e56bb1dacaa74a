"""Policies and retrainings over HTTP, on the real desk over stores in memory."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import pytest
from stock_mlops.retraining.cycle import Event, State
from stock_mlops.stores.retrainings import Found, Note

from .retraining import MODEL, SESSION, Loop

pytestmark = pytest.mark.anyio

URL = f"/api/models/{MODEL}"
NOTE = Note("retraining", "passed", SESSION)
CHECK = {
    "name": "calibrated",
    "passed": False,
    "expected": "90 %",
    "got": "50 %",
    "numbers": {"p": 0.01},
    "alarm": True,
}


async def test_a_model_has_every_trigger_off_until_somebody_sets_a_policy(train: httpx.AsyncClient, loop: Loop) -> None:
    policy = (await train.get(f"{URL}/retraining-policy")).json()
    assert {policy[name]["mode"] for name in ("age", "new_sessions", "error", "coverage", "drift")} == {"off"}
    body = {"age": {"mode": "automatic", "threshold": 21}, "shadow_sessions": 5}
    answer = await train.put(f"{URL}/retraining-policy", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {**policy, **body}
    assert (await train.get(f"{URL}/retraining-policy")).json() == answer.json()
    assert loop.table.own_policies[MODEL].age.mode == "automatic"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"age": {"mode": "automatic"}}, "body.age.threshold"),
        ({"age": {"mode": "often", "threshold": 5}}, "body.age.mode"),
        ({"age": {"mode": "automatic", "threshold": "5"}}, "body.age.threshold"),
        ({"drift": {"mode": "automatic", "threshold": 0}}, "body.drift.threshold"),
        ({"shadow_sessions": "5"}, "body.shadow_sessions"),
        ({"probation_error": 1}, "body.probation_error"),
        ({"ages": {}}, "body.ages"),
    ],
)
async def test_a_wrong_policy_is_refused_by_its_name(
    train: httpx.AsyncClient, loop: Loop, body: dict[str, Any], field: str
) -> None:
    answer = await train.put(f"{URL}/retraining-policy", json=body)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert loop.table.own_policies == {}


async def test_a_policy_may_ask_for_challengers_that_a_search_found(train: httpx.AsyncClient, loop: Loop) -> None:
    assert (await train.get(f"{URL}/retraining-policy")).json()["challenger"] == "same"
    answer = await train.put(f"{URL}/retraining-policy", json={"challenger": "search", "search_trials": 4})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["challenger"], answer.json()["search_trials"]) == ("search", 4)
    assert loop.table.own_policies[MODEL].searched == 4


async def test_a_search_without_anything_to_search_for_is_refused(train: httpx.AsyncClient, loop: Loop) -> None:
    loop.model_type = "random_walk"
    answer = await train.put(f"{URL}/retraining-policy", json={"challenger": "search"})
    assert answer.status_code == 422, answer.text
    [problem] = answer.json()["errors"]
    assert problem["field"] == "challenger"
    assert "has no parameters to search for" in problem["message"]
    assert loop.table.own_policies == {}


async def test_a_retraining_is_started_by_hand_listed_with_its_steps_and_cancelled(
    train: httpx.AsyncClient, loop: Loop
) -> None:
    begun = await train.post(f"{URL}/retrainings", json={"reason": "just so"})
    assert begun.status_code == 201, begun.text
    assert begun.json()["state"] == "triggered"
    again = await train.post(f"{URL}/retrainings", json={})
    assert (again.status_code, again.json()["code"]) == (409, "retraining_open")
    cancelled = await train.post(f"/api/retrainings/{begun.json()['id']}/cancel", json={"reason": "not now"})
    assert cancelled.json()["state"] == "cancelled"
    [item] = (await train.get(f"{URL}/retrainings")).json()["items"]
    assert [(step["event"], step["actor"], step["detail"]) for step in item["steps"]] == [
        ("began", "anybody", "just so"),
        ("cancelled", "anybody", "not now"),
    ]
    assert item["reasons"] == [{"trigger": "hand", "mode": "automatic", "value": None, "threshold": None}]
    assert (item["champion"], item["challenger"], item["session"]) == (3, None, "2012-06-29")
    ended = await train.post(f"/api/retrainings/{item['id']}/cancel", json={})
    assert ended.status_code == 409


async def test_a_step_tells_what_it_was_decided_by(train: httpx.AsyncClient, loop: Loop) -> None:
    begun = loop.begin(State.TRAINING)
    note = Note("retraining", "calibrated: ...", date(2012, 6, 29), [CHECK])
    loop.table.move(begun, Event.REFUSED, note, Found(challenger=4))
    [item] = (await train.get(f"{URL}/retrainings?limit=1")).json()["items"]
    assert (item["state"], item["challenger"]) == ("rejected", 4)
    assert item["steps"][-1]["checks"] == [CHECK]


async def test_retrainings_of_all_models_are_listed_by_their_states(train: httpx.AsyncClient, loop: Loop) -> None:
    loop.table.move(loop.begin(State.TRAINING), Event.FAILED, Note("retraining", "no worker", SESSION))
    begun = loop.begin(State.PROPOSED)
    everything = (await train.get("/api/retrainings")).json()["items"]
    assert [(item["state"], len(item["steps"])) for item in everything] == [("proposed", 1), ("failed", 2)]
    some = (await train.get("/api/retrainings?state=proposed&state=shadow")).json()["items"]
    assert [item["id"] for item in some] == [str(begun.id)]
    wrong = await train.get("/api/retrainings?state=asleep")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "query.state.0")


async def test_policies_of_all_models_are_listed_once_they_are_set(train: httpx.AsyncClient) -> None:
    assert (await train.get("/api/retraining-policies")).json() == {"items": []}
    policy = (await train.put(f"{URL}/retraining-policy", json={"age": {"mode": "propose", "threshold": 9}})).json()
    listed = (await train.get("/api/retraining-policies")).json()
    assert listed == {"items": [{"model_id": str(MODEL), "policy": policy}]}


async def test_what_the_triggers_would_look_at_is_told_whether_they_are_on_or_off(
    train: httpx.AsyncClient, loop: Loop
) -> None:
    shadow = loop.table.move(loop.begin(State.TRAINING), Event.TRAINED, NOTE, Found(4, since=date(2012, 6, 25)))
    assert shadow is not None
    known = (await train.get(f"{URL}/retraining-evidence")).json()
    assert known == {
        "serving": 3,
        "counts": True,
        "session": "2012-06-29",
        "age": 3.0,
        "new_sessions": None,
        "error": None,
        "coverage": -0.2,
        "drift": None,
        "watched_sessions": 4,
    }
    loop.champion = None
    nothing = (await train.get(f"{URL}/retraining-evidence")).json()
    assert {name for name, value in nothing.items() if value} == {"session", "watched_sessions"}


async def test_a_proposal_is_approved_once(train: httpx.AsyncClient, loop: Loop) -> None:
    proposal = loop.begin(State.PROPOSED)
    answer = await train.post(f"/api/retrainings/{proposal.id}/approve")
    assert (answer.status_code, answer.json()["state"]) == (200, "triggered")
    again = await train.post(f"/api/retrainings/{proposal.id}/approve")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_what_does_not_exist_is_not_found(train: httpx.AsyncClient, loop: Loop) -> None:
    unknown = uuid4()
    for answer in (
        await train.get(f"/api/models/{unknown}/retraining-policy"),
        await train.put(f"/api/models/{unknown}/retraining-policy", json={}),
        await train.get(f"/api/models/{unknown}/retraining-evidence"),
        await train.get(f"/api/models/{unknown}/retrainings"),
        await train.post(f"/api/models/{unknown}/retrainings", json={}),
        await train.post(f"/api/retrainings/{unknown}/approve"),
        await train.post(f"/api/retrainings/{unknown}/cancel", json={}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_model_without_a_champion_or_of_a_fixed_end_is_not_retrained(
    train: httpx.AsyncClient, loop: Loop
) -> None:
    loop.champion = None
    answer = await train.post(f"{URL}/retrainings", json={})
    assert answer.status_code == 409
    assert "has no champion" in answer.json()["detail"]
    loop.end = "2011-12-30"
    policy = await train.put(f"{URL}/retraining-policy", json={"age": {"mode": "propose", "threshold": 9}})
    assert policy.status_code == 409
    assert "defined on data until 2011-12-30" in policy.json()["detail"]
