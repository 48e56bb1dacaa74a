"""Alive, ready, metrics: of both backends, for probes and Prometheus."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Request, Response
from stock_kit.metrics import render_metrics

from api.dependencies import AnyResources
from api.schemas.system import Alive, Ready

router = APIRouter(tags=["operations"])


@router.get("/health", summary="Is the process alive?")
async def health(request: Request) -> Alive:
    return Alive(service=request.app.title)


@router.get("/ready", response_model=Ready, summary="Do its dependencies answer?", responses={503: {"model": Ready}})
async def ready(resources: AnyResources) -> Response:
    report = await resources.readiness.report_async()
    return Response(orjson.dumps(report.to_dict()), status_code=report.status, media_type="application/json")


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def metrics() -> Response:
    body, content_type = render_metrics()
    return Response(body, headers={"Content-Type": content_type})
