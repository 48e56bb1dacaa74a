from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from stock_kit.events import AlertEvent, MetricsEvent, PredictionEvent

START = datetime(2026, 1, 5, 12, tzinfo=UTC)

MakePrediction = Callable[..., PredictionEvent]
MakeMetrics = Callable[..., MetricsEvent]
MakeAlert = Callable[..., AlertEvent]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_prediction() -> MakePrediction:
    """Predictions with ids 0, 1, 2, ..., a second and a session apart."""
    count = 0

    def make(**changes: Any) -> PredictionEvent:
        nonlocal count
        values: dict[str, Any] = {
            "prediction_id": UUID(int=count),
            "exchange": "US",
            "ticker": "AAPL",
            "made_at": START + timedelta(seconds=count),
            "as_of": date(2012, 1, 2) + timedelta(days=count),
            "target_session": date(2012, 1, 3) + timedelta(days=count),
            "horizon": 1,
            "last_close": 100.0,
            "predicted_return": 0.001,
            "predicted_close": 100.1,
            "model_name": "stock-US-AAPL",
            "model_version": "1",
            "model_type": "ridge",
            "feature_version": "1",
            "data_version": "1",
        }
        count += 1
        return PredictionEvent(**{**values, **changes})

    return make


@pytest.fixture
def make_metrics() -> MakeMetrics:
    """Scrapes five seconds apart."""
    count = 0

    def make(service: str = "backend1", **changes: Any) -> MetricsEvent:
        nonlocal count
        values: dict[str, Any] = {
            "service": service,
            "instance": "127.0.0.1:8001",
            "scraped_at": START + timedelta(seconds=5 * count),
            "up": True,
            "duration_seconds": 0.01,
            "samples": {"process_cpu_seconds_total": float(count)},
        }
        count += 1
        return MetricsEvent(**{**values, **changes})

    return make


@pytest.fixture
def make_alert() -> MakeAlert:
    """Changes of one alert, each with an id of its own by its revision."""

    def make(revision: int = 1, **changes: Any) -> AlertEvent:
        values: dict[str, Any] = {
            "event_id": UUID(int=revision),
            "alert_id": UUID(int=0),
            "revision": revision,
            "change": "raised",
            "state": "firing",
            "changed_at": START + timedelta(seconds=revision),
            "fingerprint": "service_down:backend1",
            "severity": "critical",
            "detector": "service_down",
            "subject": "backend1",
            "title": "backend1 does not answer",
            "detail": "",
            "raised_at": START,
            "count": 1,
        }
        return AlertEvent(**{**values, **changes})

    return make
