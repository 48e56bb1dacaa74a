"""The two HTTP backends: one code base, each with its own routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Literal, TypedDict

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from stock_kit.metrics import HttpMetricsMiddleware
from stock_kit.service_settings import AccessSettings
from stock_kit.settings import Settings
from stock_kit.tuning import tune_for_requests

from api import openapi
from api.access import AccessMiddleware
from api.dependencies import Resources
from api.errors import ErrorRenderer
from api.limits import BodyLimitMiddleware
from api.middleware import PathMiddleware, RequestContextMiddleware
from api.quick import QuickCalls
from api.routes import (
    accounts,
    alerts,
    auth,
    datasets,
    etl,
    flows,
    future,
    instruments,
    mlflow,
    model_options,
    model_versions,
    models,
    monitoring,
    operations,
    predictions,
    retraining,
    simulations,
    system,
    training,
)

Role = Literal["train", "predict"]
OpenResources = Callable[[], AbstractAsyncContextManager[Resources]]

SERVICES: dict[Role, str] = {"train": "backend1", "predict": "backend2"}
ROUTERS: dict[Role, tuple[APIRouter, ...]] = {
    "train": (
        auth.router,
        accounts.router,
        training.router,
        model_options.router,
        models.router,
        model_versions.router,
        retraining.router,
        simulations.router,
        mlflow.router,
        etl.router,
        flows.router,
        datasets.router,
        monitoring.router,
        instruments.router,
        alerts.router,
        system.router,
    ),
    "predict": (predictions.quick, predictions.router, future.router),
}
# What takes files; their bodies may be larger than others.
UPLOADS = ("/api/datasets/upload",)


def routes_of(role: Role) -> list[BaseRoute]:
    """The routes themselves rather than ``include_router``: there is nothing to add to them, and matching a request
    against one flat list is quicker."""
    return [route for router in (*ROUTERS[role], operations.router) for route in router.routes]


class State(TypedDict):
    """What the lifespan gives to every request's ``state``."""

    resources: Resources


class Backend(FastAPI):
    """FastAPI inside our middleware, so that errors which FastAPI's own outermost layer answers have it too."""

    def __init__(self, access: AccessSettings, errors: ErrorRenderer, **options: Any) -> None:
        super().__init__(**options)
        self._access = access
        self._errors = errors
        errors.install(self)

    def build_middleware_stack(self) -> ASGIApp:
        paths = [route.path for route in self.routes if isinstance(route, APIRoute)]
        slashed = frozenset(path.rstrip("/") for path in paths if path.endswith("/"))
        # From the inside: the guard sees paths as the routes do, and nothing is read before it has let it in.
        app: ASGIApp = QuickCalls(super().build_middleware_stack(), self.routes, self._errors)
        app = AccessMiddleware(app, self._errors)
        app = BodyLimitMiddleware(app, self._access.body_limit, self._access.upload_limit, UPLOADS)
        app = PathMiddleware(app, slashed, self._errors)
        if self._access.cors_origins:
            app = CORSMiddleware(
                app,
                allow_origins=self._access.cors_origins,
                allow_methods=["*"],
                allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID"],
                expose_headers=["ETag", "Location", "Retry-After", "X-Request-ID"],
                max_age=600,
            )
        return RequestContextMiddleware(HttpMetricsMiddleware(app))


def create_app(role: Role, settings: Settings, open_resources: OpenResources | None = None) -> Backend:
    """The application of one backend.

    Args:
        role: train is backend1 (training, models, datasets), predict is backend2.
        settings: of this process.
        open_resources: makes what the requests share; tests bring their own. It runs when the server starts.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with (open_resources or _default_resources(role, settings))() as resources:
            if open_resources is None:  # the process is this application's alone
                tune_for_requests()
            yield {"resources": resources}

    app = Backend(
        settings.access,
        ErrorRenderer(settings.serving.retry_after.total_seconds()),
        title=SERVICES[role],
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,
        # Prometheus is told by our own middleware; FastAPI would look at each call whether OpenTelemetry is set up.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        # The merged document of both backends is served under /api, by backend1.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.router.routes.extend(routes_of(role))
    if role == "train":
        app.router.routes.extend(openapi.router.routes)
    return app


def _default_resources(role: Role, settings: Settings) -> OpenResources:
    # Imported here: the OpenAPI document is built without a single driver.
    from api import resources

    open_resources = resources.open_train if role == "train" else resources.open_predict
    return lambda: open_resources(settings)
