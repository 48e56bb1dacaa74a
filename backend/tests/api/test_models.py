from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
import pytest
from stock_mlops.errors import ConflictError, DependencyUnavailableError, NotFoundError
from stock_mlops.forecasting.backtest import BacktestSettings
from stock_mlops.forecasting.estimators import params_model
from stock_mlops.instruments import Instrument
from stock_mlops.services.promotion import GateRefusedError
from stock_mlops.stores.promotions import Action, Change

from .office import VERDICT, MemoryOffice, entry, make_version

if TYPE_CHECKING:
    from .backstage import Backstage

pytestmark = pytest.mark.anyio

RIDGE = {"ticker": "AAPL", "model_type": "ridge", "horizon": 5}
PANEL = {"panel": "tech", "tickers": ["AAPL", "IBM"], "model_type": "ridge"}


@pytest.fixture
async def model(train: httpx.AsyncClient, backstage: Backstage) -> str:
    """The path of a model with a champion, version 3, and an older version 2."""
    created = (await train.post("/api/models/", json=RIDGE)).json()
    model_id = UUID(created["model_id"])
    backstage.versions_[model_id] = [make_version(model_id), make_version(model_id, 2, None)]
    return f"/api/models/{model_id}"


async def test_every_feature_is_described_with_its_group_inputs_and_lookback(train: httpx.AsyncClient) -> None:
    body = (await train.get("/api/models/features")).json()
    features = {feature["name"]: feature for feature in body["features"]}
    groups = {group["name"]: group for group in body["groups"]}
    assert features["return_5"] == {
        "name": "return_5",
        "group": "momentum",
        "description": "log return of 5 sessions",
        "inputs": ["close"],
        "lookback": 5,
        "stationary": True,
        "default": True,
    }
    assert all(feature["description"] and "{" not in feature["description"] for feature in features.values())
    assert {name for group in groups.values() for name in group["features"]} == set(features)
    assert all(groups[feature["group"]]["description"] for feature in features.values())


async def test_model_types_come_with_the_schema_that_validates_their_parameters(train: httpx.AsyncClient) -> None:
    items = {item["name"]: item for item in (await train.get("/api/models/types")).json()["items"]}
    for name, item in items.items():
        assert item["params"] == params_model(name).model_json_schema()
        assert item["params"]["additionalProperties"] is False
        assert all("description" in field for field in item["params"].get("properties", {}).values())
        assert item["title"]
        assert item["description"]
        assert item["tasks"]
    assert items["lightgbm"]["params"]["properties"]["num_leaves"] == {
        "default": 4,
        "description": "most leaves of a tree",
        "maximum": 1024,
        "minimum": 2,
        "title": "Num Leaves",
        "type": "integer",
    }
    assert items["ridge"]["search_space"]["alpha"] == {"kind": "span", "low": 1.0, "high": 1e6, "log": True}


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        ({"alhpa": 1.0}, "params.alhpa", "did you mean alpha"),
        ({"alpha": 0}, "params.alpha", "greater than 0, got 0"),
        ({"alpha": "much"}, "params.alpha", "valid number, got 'much'"),
    ],
)
async def test_a_wrong_parameter_is_named_with_what_was_expected(
    train: httpx.AsyncClient, params: dict[str, Any], field: str, message: str
) -> None:
    answer = await train.post("/api/models", json=RIDGE | {"params": params})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert message in error["message"]


async def test_a_model_is_named_described_and_tagged_and_found_again(train: httpx.AsyncClient, model: str) -> None:
    change = {"name": "Apple, carefully", "description": "for the desk", "tags": ["desk", "daily"]}
    changed = (await train.patch(model, json=change)).json()
    assert {key: changed[key] for key in change} == change
    kept = (await train.patch(model, json={"description": ""})).json()
    assert (kept["name"], kept["description"]) == ("Apple, carefully", "")
    assert (await train.get(model)).json()["tags"] == ["desk", "daily"]
    assert (await train.get("/api/models?tag=desk")).json()["total"] == 1
    assert (await train.get("/api/models?tag=other")).json()["total"] == 0


@pytest.mark.parametrize(
    "change", [{}, {"name": ""}, {"tags": ["a", "a"]}, {"horizon": 3}, {"tags": [""]}, {"name": "\x00"}]
)
async def test_only_what_people_note_of_a_model_can_be_changed(
    train: httpx.AsyncClient, model: str, change: dict[str, Any]
) -> None:
    assert (await train.patch(model, json=change)).status_code == 422


async def test_a_model_is_deleted_with_a_reason(train: httpx.AsyncClient, office: MemoryOffice, model: str) -> None:
    answer = await train.delete(model, params={"force": "true", "reason": "no use"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert office.asked == [(UUID(model.rpartition("/")[2]), Change("anybody", "no use"), True)]
    office.error = ConflictError("version 3 of this model serves")
    assert (await train.delete(model)).status_code == 409


async def test_a_model_tells_which_of_its_versions_bear_which_alias(train: httpx.AsyncClient, model: str) -> None:
    detail = (await train.get(model)).json()
    assert detail["aliases"] == {"champion": 3}
    assert [version["version"] for version in detail["versions"]] == [3, 2]


async def test_a_card_is_markdown(train: httpx.AsyncClient, model: str) -> None:
    answer = await train.get(f"{model}/versions/3/card")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.text == "# stock-US-AAPL\n"


async def test_a_list_shows_each_models_newest_version_at_a_glance(train: httpx.AsyncClient, model: str) -> None:
    await train.post("/api/models/", json={**RIDGE, "horizon": 1})
    items = {item["spec"]["horizon"]: item for item in (await train.get("/api/models")).json()["items"]}
    assert (items[1]["versions"], items[1]["champion"], items[1]["newest"]) == (0, None, None)
    assert (items[5]["versions"], items[5]["champion"]) == (2, 3)
    assert items[5]["newest"]["version"] == 3
    assert items[5]["newest"]["beats_random_walk"] == [1]


async def test_curves_show_learning_importance_skill_calibration_and_coverage(
    train: httpx.AsyncClient, model: str
) -> None:
    curves = (await train.get(f"{model}/versions/2/curves")).json()
    assert curves == {
        "learning_curve": [{"rows": 100, "train_rmse": 0.01, "validation_rmse": 0.02}],
        "importance": [{"feature": "return_1", "mean": 0.1, "deviation": 0.01}],
        "cumulative_skill": [{"horizon": 1, "sessions": ["2012-06-28", "2012-06-29"], "gained": [0.001, 0.002]}],
        "calibration": [{"horizon": 1, "bins": [{"stated": 0.52, "observed": 0.5, "n": 300}]}],
        "coverage": [
            {
                "horizon": 1,
                "level": 0.9,
                "window": 250,
                "sessions": ["2012-06-28", "2012-06-29"],
                "covered": [0.88, 0.89],
            }
        ],
    }


async def test_a_fit_is_told_by_iteration(train: httpx.AsyncClient, model: str) -> None:
    assert (await train.get(f"{model}/versions/2/fit?horizon=2")).json() == {
        "horizon": 2,
        "train_loss": [0.9, 0.7],
        "validation_loss": [1.0, 0.95],
        "gradient_norm": [],
    }
    assert (await train.get(f"{model}/versions/2/fit?horizon=0")).status_code == 422


async def test_a_version_is_promoted_through_the_gate_or_by_force(
    train: httpx.AsyncClient, office: MemoryOffice, model: str
) -> None:
    promoted = (await train.post(f"{model}/versions/2/promote", json={"reason": "better"})).json()
    assert (promoted["registered_name"], promoted["version"]) == ("stock-US-AAPL", 2)
    assert promoted["verdict"]["checks"][0]["name"] == "coverage"
    forced = (await train.post(f"{model}/versions/2/promote", json={"force": True})).json()
    assert forced["verdict"] is None
    assert office.asked == [
        ("stock-US-AAPL", 2, Change("anybody", "better"), False),
        ("stock-US-AAPL", 2, Change("anybody", ""), True),
    ]


@pytest.mark.parametrize("force", [1, "true", None])
async def test_force_is_true_or_false_and_nothing_like_it(
    train: httpx.AsyncClient, office: MemoryOffice, model: str, force: object
) -> None:
    answer = await train.post(f"{model}/versions/2/promote", json={"force": force})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.force")
    assert office.asked == []


async def test_a_list_of_an_unknown_model_type_is_refused(train: httpx.AsyncClient) -> None:
    assert (await train.get("/api/models?model_type=oracle")).status_code == 422


async def test_a_refusal_of_the_gate_names_its_checks(
    train: httpx.AsyncClient, office: MemoryOffice, model: str
) -> None:
    check = VERDICT.checks[0]
    failed = type(VERDICT)(False, 3, "out_of_fold", 500, (type(check)("skill", False, "above 0", "-0.1"),))
    office.error = GateRefusedError("stock-US-AAPL", 2, failed)
    answer = await train.post(f"{model}/versions/2/promote", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "gate_refused")
    assert answer.json()["errors"] == [
        {"field": "gate.skill", "message": "got -0.1", "expected": "above 0", "code": "skill", "params": {}}
    ]


async def test_a_rollback_tells_what_serves_again(train: httpx.AsyncClient, office: MemoryOffice, model: str) -> None:
    body = (await train.post(f"{model}/rollback", json={"reason": "worse"})).json()
    assert body == {"registered_name": "stock-US-AAPL", "version_before": 3, "version": 2}
    assert office.asked == [("stock-US-AAPL", Change("anybody", "worse"))]
    office.error = ConflictError("nothing served before")
    assert (await train.post(f"{model}/rollback", json={})).status_code == 409


async def test_two_versions_are_compared_on_the_same_sessions(train: httpx.AsyncClient, model: str) -> None:
    body = (await train.get(f"{model}/compare?a=3&b=2")).json()
    assert (body["a"]["version"], body["b"]["version"], body["window"]) == (3, 2, "new_sessions")
    (row,) = body["horizons"]
    assert (row["rmse_a"], row["rmse_b"], row["p_a_worse"], row["p_b_worse"]) == (0.010, 0.011, 0.9, None)
    assert [(item["version"], item["hit_rate"]) for item in body["settled"]] == [(3, 0.5)]
    assert (await train.get(f"{model}/compare?a=3")).status_code == 422
    assert (await train.get(f"{model}/compare?a=3&b=0")).status_code == 422


async def test_a_backtest_takes_costs_and_shows_the_equity_beside_holding(
    train: httpx.AsyncClient, office: MemoryOffice, model: str
) -> None:
    body = {"horizon": 2, "mode": "long_short", "cost_bps": 1.5, "slippage_bps": 0.5, "sweep_bps": [0, 10]}
    found = (await train.post(f"{model}/backtest", json=body)).json()
    settings = BacktestSettings("long_short", 0.0, cost_bps=1.5, slippage_bps=0.5)
    assert office.asked == [
        (make_version(UUID(found["model_id"])).ref, Instrument("US", "AAPL"), 2, settings, "return")
    ]
    assert (found["version"], found["ticker"], found["horizon"]) == (3, "AAPL", 2)
    assert len(found["sessions"]) == len(found["equity"]) == len(found["buy_and_hold_equity"])
    assert found["equity"][0] == 1.0
    assert found["equity"][-1] - 1 == pytest.approx(found["strategy"]["total_return"])
    assert [point["bps"] for point in found["costs"]] == [0, 10]


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 0},
        {"cost_bps": -1},
        {"cost_bps": 1001},
        {"mode": "short"},
        {"threshold": -0.1},
        {"signal": "stars"},
        {"sweep_bps": [5000]},
        {"sweep_bps": ["5"]},
        {"cost_bps": "5"},
        {"version": 0},
        {"capital": 1},
    ],
)
async def test_a_wrong_backtest_is_refused(train: httpx.AsyncClient, model: str, change: dict[str, Any]) -> None:
    assert (await train.post(f"{model}/backtest", json=change)).status_code == 422


async def test_a_backtest_of_a_panel_needs_one_of_its_tickers(
    train: httpx.AsyncClient, backstage: Backstage, office: MemoryOffice
) -> None:
    model_id = UUID((await train.post("/api/models", json=PANEL)).json()["model_id"])
    assert (await train.post(f"/api/models/{model_id}/backtest", json={})).status_code == 404  # not trained
    backstage.versions_[model_id] = [make_version(model_id, 1, None)]
    answer = await train.post(f"/api/models/{model_id}/backtest", json={})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.ticker")
    found = await train.post(f"/api/models/{model_id}/backtest", json={"ticker": "ibm"})
    assert (found.status_code, found.json()["ticker"]) == (200, "IBM")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("GET", "/versions/3/card", None),
        ("GET", "/versions/3/curves", None),
        ("POST", "/versions/3/promote", {}),
        ("POST", "/rollback", {}),
        ("GET", "/compare?a=1&b=2", None),
        ("POST", "/backtest", {}),
    ],
)
async def test_an_unknown_model_is_a_404_everywhere(
    train: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = await train.request(method, f"/api/models/{uuid4()}{path}", json=body)
    assert answer.status_code == 404
    assert "GET /api/models lists" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/versions/9/card", "/versions/9/curves", "/versions/9/fit"])
async def test_an_unknown_version_is_a_404_that_names_the_known_ones(
    train: httpx.AsyncClient, model: str, path: str
) -> None:
    answer = await train.get(model + path)
    assert answer.status_code == 404
    assert "expected one of its own: 3, 2" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFoundError("MLflow has lost it"), 404), (DependencyUnavailableError("MLflow", "down"), 503)],
)
async def test_what_mlflow_has_lost_is_a_404_and_an_mlflow_that_is_down_a_503(
    train: httpx.AsyncClient, office: MemoryOffice, model: str, error: Exception, status: int
) -> None:
    office.error = error
    for path in ("/versions/3/card", "/versions/3/curves", "/versions/3/fit", "/compare?a=3&b=2"):
        assert (await train.get(model + path)).status_code == status
    assert (await train.post(f"{model}/backtest", json={})).status_code == status


async def test_the_trail_is_read_page_by_page(train: httpx.AsyncClient, office: MemoryOffice) -> None:
    office.trail = [entry(1, Action.ACCEPT), entry(2), entry(3, Action.ROLLBACK), entry(4, name="stock-US-IBM")]
    first = (await train.get("/api/models/audit?limit=2")).json()
    second = (await train.get(f"/api/models/audit?limit=2&before={first['next_before']}")).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [4, 3, 2, 1]
    assert second["next_before"] is None
    assert second["items"][0]["verdict"]["passed"] is True
    one = (await train.get("/api/models/audit?registered_name=stock-US-IBM")).json()
    assert [item["id"] for item in one["items"]] == [4]
