"""Alerts: their list, one of them with its history, and taking note of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from stock_kit.events import AlertChange, AlertState, Severity

from api.schemas.common import (
    BodyModel,
    Exchange,
    Limit,
    Moment,
    PageCursor,
    RequestModel,
    ResponseModel,
    SafeText,
    Ticker,
)

Name = Annotated[SafeText, Field(min_length=1, max_length=100)]


class AlertQuery(RequestModel):
    state: AlertState | None = None
    severity: Severity | None = None
    detector: Name | None = None
    exchange: Exchange | None = None
    ticker: Ticker | None = None
    service: Name | None = None
    acknowledged: bool | None = None
    since: Moment | None = Field(None, description="raised, or changed, at or after it; with a time zone")
    limit: Limit = 50
    cursor: PageCursor | None = None


class Alert(ResponseModel):
    """How an alert stands. `/ws/alerts` tells of every change of it, by the same `alert_id` and a higher `revision`."""

    alert_id: UUID
    fingerprint: str = Field(description="of the condition; at most one firing alert bears it")
    detector: str
    subject: str = Field(description="what was looked at: EXCHANGE:TICKER, or a service's name")
    severity: Severity = Field(description="the highest that it had")
    state: AlertState
    title: str
    detail: str
    exchange: str | None
    ticker: str | None
    service: str | None
    value: float | None
    threshold: float | None
    raised_at: datetime
    seen_at: datetime = Field(description="when the condition was last seen to hold")
    resolved_at: datetime | None
    changed_at: datetime
    count: int = Field(description="how often the condition was seen")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    comment: str | None = Field(description="of who acknowledged it")
    revision: int = Field(description="number of its changes")


class AlertPage(ResponseModel):
    items: list[Alert]
    next_cursor: str | None = Field(description="for the next page; null: that was all")


class AlertHistoryEntry(ResponseModel):
    revision: int
    change: AlertChange
    at: datetime
    severity: Severity
    actor: str | None = Field(description="null: the platform")
    detail: str


class AlertDelivery(ResponseModel):
    """What a receiver outside of the platform knows."""

    receiver: str
    told_state: AlertState | None = Field(description="null: not told of it yet")
    told_at: datetime | None
    waiting: bool = Field(description="whether it is still to be told of the newest change")
    attempts: int = Field(description="that failed since it was last told")
    error: str | None = Field(description="of the last attempt")


class AlertDetail(Alert):
    history: list[AlertHistoryEntry] = Field(description="its changes, the oldest first")
    deliveries: list[AlertDelivery]


class AcknowledgeRequest(BodyModel):
    comment: Annotated[SafeText, Field(min_length=1, max_length=1000)] | None = None
