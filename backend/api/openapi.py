"""The one OpenAPI document of both backends: ``make documents`` writes it to ``docs/openapi.json``."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import orjson
from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute

from api.access import SECURITY_SCHEMES, declare
from api.errors import problem_answers
from api.examples import BODIES, TAGS
from api.schemas.common import Problem

_DESCRIPTION = """Collect prices, train models, predict, and watch it happen.

Every path answers with and without its trailing slash. Every error is an RFC 9457 problem
(`application/problem+json`); 503 carries `Retry-After`. Each answer names its request in `X-Request-ID`.

A long job (training, days ahead, loading prices) is answered by 202 with its `Location`. It is pending, then running,
then completed, failed or cancelled; an unknown task answers 404. The result of a training or of a path of days is kept
for `STOCK_JOBS__RETENTION` (7 days), then its task answers 410 for `STOCK_JOBS__REMEMBERED` (90 days).
"""

router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Routes of backend1 and backend2 together; health and metrics appear once, since both offer the same."""
    # Imported here: main serves this module's router.
    from api.main import routes_of

    routes: dict[str, BaseRoute] = {}
    for route in (*routes_of("train"), *routes_of("predict")):
        if isinstance(route, APIRoute):
            # Names are ours to choose and read better in a generated client than paths put into words.
            route.operation_id = route.unique_id = route.name
            known = routes.setdefault(route.name, route)
            if known is not route:
                raise ValueError(f"two routes are named {route.name}: {known} and {route}")
    merged = get_openapi(
        title="Stock MLOps",
        version="0.1.0",
        description=_DESCRIPTION,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        routes=list(routes.values()),
    )
    return _with_problems(_with_access(_with_examples(merged)))


def _with_examples(merged: dict[str, Any]) -> dict[str, Any]:
    for methods in merged["paths"].values():
        for operation in methods.values():
            if operation["operationId"] in BODIES:
                operation["requestBody"]["content"]["application/json"]["example"] = BODIES[operation["operationId"]]
    return merged


def _with_access(merged: dict[str, Any]) -> dict[str, Any]:
    """Declare who may call what; it follows from method and path, as the guard's rules do."""
    merged.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    refusals, bodies = problem_answers(401, 403, 429), problem_answers(413, 415)
    for path, methods in merged["paths"].items():
        for method, operation in methods.items():
            declare(operation, method, path, refusals)
            if "requestBody" in operation:
                operation["responses"] |= {str(status): answer for status, answer in bodies.items()}
    return merged


def _with_problems(merged: dict[str, Any]) -> dict[str, Any]:
    """Declare the body of errors once, and not the one that FastAPI would answer by itself."""
    schemas: dict[str, Any] = merged.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas["Problem"] = problem
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    merged["components"]["schemas"] = dict(sorted(schemas.items()))
    return merged


@router.get("/api/openapi.json")
async def openapi() -> Response:
    return Response(orjson.dumps(document()), media_type="application/json")


@router.get("/api/docs")
async def docs() -> HTMLResponse:
    return get_swagger_ui_html(openapi_url="/api/openapi.json", title="Stock MLOps API")


def render() -> bytes:
    """The document as it is kept under ``docs/``."""
    return orjson.dumps(document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(render())
