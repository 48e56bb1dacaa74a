"""Alerts: what fires, what did, and that somebody has seen to it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from stock_mlops.stores.alerts import Alert as KnownAlert
from stock_mlops.stores.alerts import AlertFilter
from stock_mlops.stores.cursor import Cursor

from api.dependencies import Actor, Train
from api.errors import problems
from api.schemas.alerts import (
    AcknowledgeRequest,
    Alert,
    AlertDelivery,
    AlertDetail,
    AlertHistoryEntry,
    AlertPage,
    AlertQuery,
)

router = APIRouter(prefix="/api/alerts", tags=["alerts"])


@router.get("", responses=problems(503), summary="List alerts")
def list_alerts(query: Annotated[AlertQuery, Query()], resources: Train) -> AlertPage:
    """Those that were raised last come first, whether they fire or are resolved. Never cached: a page that is told of a
    change by `/ws/alerts` finds it here."""
    cursor = None if query.cursor is None else Cursor.decode(query.cursor)
    wanted = AlertFilter(**query.model_dump(exclude={"limit", "cursor"}))
    page = resources.alerts.page(wanted, query.limit, cursor)
    return AlertPage(
        items=[Alert(**_fields(alert)) for alert in page.items],
        next_cursor=None if page.next_cursor is None else page.next_cursor.encode(),
    )


@router.get("/{alert_id}", responses=problems(404, 503), summary="One alert with its history")
def get_alert(alert_id: UUID, resources: Train) -> AlertDetail:
    """Its changes, and whom they were delivered to."""
    found = resources.alerts.find(alert_id)
    return AlertDetail(
        **_fields(found.alert),
        history=[AlertHistoryEntry.model_validate(entry, from_attributes=True) for entry in found.history],
        deliveries=[AlertDelivery.model_validate(item, from_attributes=True) for item in found.deliveries],
    )


@router.post("/{alert_id}/acknowledge", responses=problems(404, 503), summary="Acknowledge an alert")
def acknowledge_alert(alert_id: UUID, body: AcknowledgeRequest, actor: Actor, resources: Train) -> Alert:
    """Say that one has seen to it; everybody hears of it on `/ws/alerts`. Doing it again replaces the comment; the
    history keeps each. An alert that is over can be acknowledged too."""
    return Alert(**_fields(resources.alerts.acknowledge(alert_id, actor, body.comment)))


def _fields(alert: KnownAlert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in Alert.model_fields if name != "alert_id"} | {"alert_id": alert.id}
