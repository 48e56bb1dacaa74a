from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from api.examples import BODIES, TAGS
from api.main import routes_of
from api.openapi import document, render
from fastapi.routing import APIRoute

KEPT = Path(__file__).parents[3] / "docs" / "openapi.json"
ROUTES = {
    route.name: route for role in ("train", "predict") for route in routes_of(role) if isinstance(route, APIRoute)
}  # type: ignore[arg-type]
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, methods in document()["paths"].items()
    for method, operation in methods.items()
}
PROBES = ("health", "ready", "metrics")
# These ask no server of ours but the process itself.
WITHOUT_SERVERS = ("list_features", "list_model_types", "list_exchanges", "system_links", "system_health")


def test_the_document_that_is_kept_is_current() -> None:
    assert KEPT.read_bytes() == render(), "run: make documents"


def test_both_backends_routes_are_all_in_it() -> None:
    assert {name for name, route in ROUTES.items() if route.include_in_schema} == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_a_name_that_reads_well_a_summary_and_one_tag(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    assert re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name)
    assert 6 <= len(operation["summary"]) <= 70
    assert not operation["summary"].endswith(".")
    (tag,) = operation["tags"]
    assert tag in TAGS


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in PROBES])
def test_an_operation_declares_its_problems(name: str) -> None:
    path, _, operation = OPERATIONS[name]
    declared = {status for status in operation["responses"] if status[0] in "45"}
    expected = {"422", "500"}
    if re.search(r"\{\w*id\}", path):
        expected.add("404")
    if name not in WITHOUT_SERVERS:
        expected.add("503")
    assert expected <= declared
    for status in declared:
        content = operation["responses"][status]["content"]
        assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert any(status[0] == "2" for status in operation["responses"])


def _with_json_body(operation: dict[str, Any]) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def test_every_json_body_has_an_example_that_is_taken() -> None:
    taking = {name for name, (_, _, operation) in OPERATIONS.items() if _with_json_body(operation)}
    assert taking == set(BODIES)
    for name, example in BODIES.items():
        field = ROUTES[name].body_field
        assert field is not None
        _, errors = field.validate(example, {}, loc=("body",))
        assert not errors, f"{name}: {errors}"
