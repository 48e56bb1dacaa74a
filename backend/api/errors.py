"""Every error leaves as RFC 9457 problem details, written in one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from clickhouse_connect.driver.exceptions import DatabaseError as ClickHouseDatabaseError
from clickhouse_connect.driver.exceptions import OperationalError as ClickHouseOperationalError
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from psycopg2.errors import UndefinedTable
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from stock_kit.logging import get_logger
from stock_mlops.errors import (
    DependencyUnavailableError,
    FieldError,
    StockMlopsError,
    TooManyRequestsError,
    UnauthenticatedError,
    named_field,
    plain_values,
)

from api.schemas.common import Problem

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_NOT_MIGRATED = "its schema is not there yet"
_NO_SUCH_TABLE_OR_DATABASE = (60, 81)  # ClickHouse's UNKNOWN_TABLE and UNKNOWN_DATABASE
_MALFORMED = "Malformed request"
# As RFC 9110 has it; Python knew an older name.
_PHRASES = {413: "Content Too Large"}
_URN = "urn:stock-mlops:problem:"


def problem_response(
    request: Request,
    status: int,
    *,
    title: str,
    detail: str,
    code: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {
        "type": _URN + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": list(errors),
        "request_id": request.scope.get("state", {}).get("request_id"),
    }
    return Response(orjson.dumps(body), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def outage(error: BaseException) -> DependencyUnavailableError | None:
    """The error as "a server does not answer", when that is what a driver's exception means; else None."""
    if isinstance(error, DependencyUnavailableError):
        return error
    if isinstance(error, PoolTimeout):
        return DependencyUnavailableError("PostgreSQL", "all connections are busy")
    # Constraint and SQL errors are DBAPIErrors as well, and are bugs; a broken connection is none.
    if isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return DependencyUnavailableError("PostgreSQL", _reason(error.orig or error))
    if isinstance(error, ClickHouseOperationalError):
        return DependencyUnavailableError("ClickHouse", _reason(error.__cause__ or error))
    # A database that came up empty: the process that noticed is migrating it.
    if isinstance(error, DBAPIError) and isinstance(error.orig, UndefinedTable):
        return DependencyUnavailableError("PostgreSQL", _NOT_MIGRATED)
    if isinstance(error, ClickHouseDatabaseError) and error.code in _NO_SUCH_TABLE_OR_DATABASE:
        return DependencyUnavailableError("ClickHouse", _NOT_MIGRATED)
    return None


def _reason(error: BaseException) -> str:
    """``Connection refused`` rather than a driver's whole text, which holds addresses and requests."""
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return _reason(inner)
    lines = str(error).strip().splitlines()
    last = lines[0].rpartition(": ")[2][:80] if lines else ""
    return last or type(error).__name__


class ErrorRenderer:
    """The exception handlers of one application."""

    def __init__(self, retry_after: float) -> None:
        self._retry_after = str(max(1, math.ceil(retry_after)))

    def install(self, app: FastAPI) -> None:
        app.add_exception_handler(StockMlopsError, self.on_known)
        app.add_exception_handler(RequestValidationError, self.on_invalid)
        app.add_exception_handler(HTTPException, self.on_http)
        for kind in (DBAPIError, PoolTimeout, ClickHouseDatabaseError):
            app.add_exception_handler(kind, self.on_driver)
        app.add_exception_handler(Exception, self.on_bug)

    async def render(self, request: Request, error: Exception) -> Response:
        """What the handlers below make of an error that was raised outside of FastAPI."""
        if isinstance(error, StockMlopsError):
            return await self.on_known(request, error)
        if isinstance(error, HTTPException):
            return await self.on_http(request, error)
        return await self.on_driver(request, error)

    async def on_known(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, StockMlopsError)  # noqa: S101  narrows the type that Starlette dispatched on
        headers = None
        if isinstance(error, DependencyUnavailableError):
            log.warning("dependency_unavailable", dependency=error.dependency, detail=error.detail)
            headers = {"Retry-After": self._retry_after}
        elif isinstance(error, TooManyRequestsError):
            headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
        elif isinstance(error, UnauthenticatedError):
            headers = {"WWW-Authenticate": 'Bearer realm="stock-mlops"'}
        elif error.status >= 500:
            log.error("request_failed", detail=error.detail, exc_info=error)
        return problem_response(
            request,
            error.status,
            title=error.title,
            detail=error.detail,
            code=error.code,
            errors=error.errors,
            headers=headers,
        )

    async def on_driver(self, request: Request, error: Exception) -> Response:
        known = outage(error)
        return await (self.on_bug(request, error) if known is None else self.on_known(request, known))

    async def on_invalid(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        fields = [_field_error(item) for item in error.errors()]
        if any(item["type"] == "json_invalid" for item in error.errors()):
            detail = f"the body is not JSON: {fields[0]['message']}"
        else:
            detail = "; ".join(f"{field['field']}: {field['message']}" for field in fields[:3])
        return problem_response(request, 422, title=_MALFORMED, detail=detail, code="malformed_request", errors=fields)

    async def on_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        if error.status_code == HTTPStatus.BAD_REQUEST:
            # FastAPI's word for a body that it could not even begin to read; one status for all that is malformed.
            return problem_response(
                request, 422, title=_MALFORMED, detail="the body cannot be read", code="malformed_request"
            )
        title = _PHRASES.get(error.status_code) or HTTPStatus(error.status_code).phrase
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed(request)
        details = {
            404: f"there is no {request.scope['path']!r} here; /api/docs lists what there is",
            405: f"{request.method} is not offered here; expected {headers.get('Allow', 'another method')}",
        }
        detail = error.detail if error.detail not in ("", title) else details.get(error.status_code, title)
        return problem_response(
            request,
            error.status_code,
            title=title,
            detail=detail,
            code=title.lower().replace(" ", "_"),
            headers=headers,
        )

    async def on_bug(self, request: Request, error: Exception) -> Response:
        log.error("request_crashed", path=request.scope["path"], exc_info=error)
        return problem_response(
            request,
            500,
            title=StockMlopsError.title,
            detail="this is a bug in the service, not in the request; the logs have it under the request id",
            code=StockMlopsError.code,
        )


def _allowed(request: Request) -> str:
    """Every method that is offered at the path; the route that refused knows its own only."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = (route.methods or () for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(sorted({method for methods in matching for method in methods}))


def _field_error(item: Mapping[str, Any]) -> FieldError:
    # Parts like <definition> name the alternative of a union that was meant, not a field.
    path = [str(part) for part in item["loc"] if not str(part).startswith("<")]
    context = item.get("ctx", {})
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "value_error" and path == ["body"]:
        head, message = named_field("", message)
        path += [head] if head else []
    error: FieldError = {
        "field": ".".join(path),
        "message": message,
        "code": str(item["type"]),
        "params": plain_values(context),
    }
    expected = context.get("expected")
    if isinstance(expected, str):
        error["expected"] = expected
    return error


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route: the errors that it declares in the OpenAPI document, 422 and 500 besides."""
    return problem_answers(*statuses, 422, 500)


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declarations of just these errors."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
        }
        for status in sorted(set(statuses))
    }
