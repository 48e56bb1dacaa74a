from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest
from api.openapi import document
from api.resources import interface_checks
from stock_kit.service_settings import LinksSettings
from stock_kit.settings import Settings
from stock_mlops.stores.market_clock import ReplayState

if TYPE_CHECKING:
    from .backstage import Backstage

pytestmark = pytest.mark.anyio


async def test_health_needs_no_dependency(predict: httpx.AsyncClient, backstage: Backstage) -> None:
    backstage.error = ConnectionError("everything is down")
    answer = await predict.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "service": "backend2"})


async def test_ready_tells_which_dependency_is_missing_and_recovers(
    train: httpx.AsyncClient, backstage: Backstage
) -> None:
    assert (await train.get("/ready")).status_code == 200
    backstage.error = ConnectionError("refused")
    answer = await train.get("/ready/")
    assert answer.status_code == 503
    assert answer.json()["checks"]["model_meta_db"]["error"] == "ConnectionError: refused"
    backstage.error = None
    assert (await train.get("/ready")).status_code == 200


async def test_requests_are_counted_by_route_template(predict: httpx.AsyncClient) -> None:
    await predict.get("/api/predict/future/status/11111111-1111-1111-1111-111111111111")
    await predict.get("/api/predict/?limit=1")
    await predict.get("/made/up/path")
    text = (await predict.get("/metrics")).text
    assert 'route="/api/predict/future/status/{task_id}",status="404"' in text
    assert 'http_requests_total{method="GET",route="/api/predict",status="200"}' in text
    assert 'route="unmatched",status="404"' in text
    assert "11111111" not in text
    assert "made/up" not in text


async def test_each_backend_serves_its_own_routes_only(train: httpx.AsyncClient, predict: httpx.AsyncClient) -> None:
    assert (await train.get("/api/predict/")).status_code == 404
    assert (await predict.get("/api/models/")).status_code == 404


async def test_the_clock_shows_both_timelines(train: httpx.AsyncClient, backstage: Backstage) -> None:
    def state(session: date) -> ReplayState:
        return ReplayState(session, datetime(2012, 7, 2, 20, 1, tzinfo=UTC), date(2013, 3, 1), datetime.now(UTC))  # noqa: TID251

    body = (await train.get("/api/system/clock")).json()
    assert [item["state"] for item in body["timelines"]] == ["live"]
    backstage.replay_ = state(date(2012, 7, 2))
    body = (await train.get("/api/system/clock")).json()
    assert [(item["timeline"], item["state"]) for item in body["timelines"]] == [
        ("live", "live"),
        ("replay", "replaying"),
    ]
    backstage.replay_ = state(date(2013, 3, 1))
    body = (await train.get("/api/system/clock")).json()
    assert body["timelines"][1]["state"] == "ended"


async def test_the_platforms_health_names_what_is_down(train: httpx.AsyncClient) -> None:
    body = (await train.get("/api/system/health")).json()
    assert body["status"] == "degraded"
    assert {item["name"]: item["ok"] for item in body["services"]} == {"backend2": True, "ws_monitor": False}


async def test_versions_queues_and_links_are_told(train: httpx.AsyncClient) -> None:
    versions = (await train.get("/api/system/versions")).json()
    assert (versions["code"], versions["schemas"]) == ("0.1.0+abc", {"raw_db": "raw_0001"})
    queues = (await train.get("/api/system/queues")).json()["items"]
    assert queues[0] == {"name": "train", "messages": 2, "pending": 1, "running": 1, "workers": ["train@host"]}
    found = (await train.get("/api/system/links")).json()
    assert found["links"] == {"mlflow": "http://127.0.0.1:5010", "prefect": "http://127.0.0.1:4200"}
    assert found["up"] == {"mlflow": True, "prefect": False}


def test_an_interface_is_asked_where_the_services_reach_it() -> None:
    answers = {"http://grafana:3000/api/health": 200, "http://127.0.0.1:9001": 307, "http://127.0.0.1:8082": 502}
    links = LinksSettings(
        grafana="https://desk.example/grafana",
        minio="http://127.0.0.1:9001",
        kafka_ui="http://127.0.0.1:8082",
        probes={"grafana": "http://grafana:3000/api/health", "prometheus": "http://prometheus:9090/-/healthy"},
    )
    transport = httpx.MockTransport(lambda request: httpx.Response(answers.pop(str(request.url).rstrip("/"), 404)))
    with httpx.Client(transport=transport) as http:
        checks = interface_checks(Settings.model_construct(links=links), http)
        assert checks.keys() == {"mlflow", "prefect", "grafana", "minio", "kafka_ui"}
        checks["grafana"]()
        checks["minio"]()  # sends its visitors to where they log in
        with pytest.raises(ConnectionError, match="502"):
            checks["kafka_ui"]()
    assert not answers


async def test_datasets_tell_their_freshness(train: httpx.AsyncClient) -> None:
    body = (await train.get("/api/datasets")).json()
    assert body["total"] == 1
    assert (body["items"][0]["ticker"], body["items"][0]["fresh"]) == ("AAPL", True)


async def test_prices_of_a_span_without_sessions_are_an_empty_list_and_of_no_ticker_a_404(
    train: httpx.AsyncClient,
) -> None:
    full = await train.get("/api/datasets/us/aapl/prices")
    assert full.json()["items"][0]["session"] == "2012-06-29"
    empty = await train.get("/api/datasets/US/AAPL/prices?start=2020-01-01")
    assert (empty.status_code, empty.json()["items"]) == (200, [])
    assert (await train.get("/api/datasets/US/NOPE/prices")).status_code == 404
    assert (await train.get("/api/datasets/US/AAPL/prices?start=x")).status_code == 422
    assert (await train.get("/api/datasets/MOON/AAPL/prices")).status_code == 422


async def test_one_document_describes_both_backends_and_all_their_errors(train: httpx.AsyncClient) -> None:
    served = (await train.get("/api/openapi.json")).json()
    assert served == orjson.loads(orjson.dumps(document()))
    for path in ("/api/train", "/api/predict/", "/api/predict/future/", "/api/models/{model_id}", "/api/datasets"):
        assert path in served["paths"]
    operations = [(path, item) for path, methods in served["paths"].items() for item in methods.values()]
    assert len({item["operationId"] for _, item in operations}) == len(operations)
    for path, operation in operations:
        if path.startswith("/api/"):
            for status in ("422", "500"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"]
    assert "HTTPValidationError" not in served["components"]["schemas"]
    assert (await train.get("/api/docs")).status_code == 200
