"""Which right each route needs, and that every caller gets as far as that."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from api.access import needed_scope
from api.main import routes_of
from api.openapi import document
from fastapi.routing import APIRoute
from stock_kit.access import Scope

from .door import Door

pytestmark = pytest.mark.anyio

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


@pytest.mark.parametrize("character", ["%0A", "%0D", "%00", "%09", "%7F", "%1F"])
@pytest.mark.parametrize("path", ["/api/accounts", "/api/audit/", "/api/api-keys"])
async def test_a_control_character_makes_no_path_of_another_rule(
    path: str, character: str, train: httpx.AsyncClient, door: Door
) -> None:
    """Starlette's patterns overlook a line break at the end."""
    for method in ("GET", "POST"):
        for spoilt in (path + character, character.join(path.rsplit("/", 1)), path.rstrip("/") + character + "/"):
            answer = await train.request(method, spoilt, headers=door.token("viewer"), json={})
            assert answer.status_code == 404, f"{method} {spoilt}"
            assert answer.json()["code"] == "not_found"


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
