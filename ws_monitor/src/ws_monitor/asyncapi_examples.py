"""Messages that the AsyncAPI document shows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from stock_kit.events import (
    AlertChange,
    AlertEvent,
    AlertState,
    MetricsEvent,
    PredictionEvent,
    Severity,
    SignalEvent,
)

from ws_monitor.frames import ChannelName, Frame, GapReason, Kind, WireMessage
from ws_monitor.requests import ChooseTickers, Introduction

_MADE_AT = datetime(2026, 1, 5, 21, 30, 0, 123_000, tzinfo=UTC)

PREDICTION = PredictionEvent(
    prediction_id=UUID("0198f3a0-6f1e-7c52-9a53-4b3f2c1d0e9f"),
    exchange="US",
    ticker="AAPL",
    made_at=_MADE_AT,
    as_of=date(2026, 1, 5),
    target_session=date(2026, 1, 12),
    horizon=5,
    last_close=267.26,
    predicted_return=0.0042,
    predicted_close=268.38,
    lower=255.1,
    upper=282.4,
    level=0.9,
    levels=(0.5, 0.9),
    lowers=(263.2, 255.1),
    uppers=(273.7, 282.4),
    probability_up=0.57,
    model_name="stock-US-AAPL-5",
    model_version="3",
    model_type="lightgbm",
    run_id="5f1c0e7d2b3a49d8a1f60c9b7e4d2a10",
    feature_version="9c1f2ab0",
    data_version="4e77d0c2",
)
METRICS = MetricsEvent(
    service="backend2",
    instance="127.0.0.1:8002",
    scraped_at=_MADE_AT,
    up=True,
    duration_seconds=0.012,
    samples={'http_requests_total{method="POST",route="/api/predict",status="200"}': 128.0},
)
SIGNAL = SignalEvent(
    detector="service_down",
    fingerprint="service_down:backend2",
    subject="backend2",
    holds=True,
    severity=Severity.CRITICAL,
    title="backend2 does not answer",
    detail="127.0.0.1:8002 fails one scrape after the other: ConnectError: refused.",
    seen_at=_MADE_AT,
    lasts_seconds=600,
    service="backend2",
    threshold=3,
)
ALERT = AlertEvent(
    event_id=UUID("3f4a1c52-50a8-5d0e-9a40-1f6a3c9b2e77"),
    alert_id=UUID("6b0a2f9e-8a43-4d0c-b1a4-2f6d1c7e9b35"),
    revision=2,
    change=AlertChange.ACKNOWLEDGED,
    state=AlertState.FIRING,
    changed_at=datetime(2026, 1, 5, 21, 34, tzinfo=UTC),
    fingerprint=SIGNAL.fingerprint,
    severity=SIGNAL.severity,
    detector=SIGNAL.detector,
    subject=SIGNAL.subject,
    title=SIGNAL.title,
    detail=SIGNAL.detail,
    raised_at=_MADE_AT,
    count=4,
    service="backend2",
    threshold=3,
    acknowledged_at=datetime(2026, 1, 5, 21, 34, tzinfo=UTC),
    acknowledged_by="ann",
    comment="restarting it",
)
CHOICE = ChooseTickers(tickers=["US:AAPL", "TW:2330"])
INTRODUCTION = Introduction(token="eyJhbGciOi...")  # noqa: S106  it is none


def frames(channel: ChannelName, event: PredictionEvent | MetricsEvent | AlertEvent) -> list[Frame]:
    """One frame of each kind that is worth seeing."""
    message = WireMessage(seq="0:17", time=event.occurred_at, data=event)
    cursor = "0.18.1767648600123~1.9.1767648599870~2.4.1767648598001"
    return [
        Frame(channel=channel, kind=Kind.UPDATE, cursor=cursor, time=_MADE_AT, messages=[message]),
        Frame(
            channel=channel,
            kind=Kind.GAP,
            cursor=cursor,
            time=_MADE_AT,
            messages=[],
            reason=GapReason.SLOW_CLIENT,
            lost=120,
        ),
    ]
