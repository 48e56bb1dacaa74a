"""The alert desk over a table in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from stock_kit.events import Severity
from stock_kit.service_settings import AlertSettings
from stock_mlops.services.alert_desk import AlertDesk, no_alert
from stock_mlops.services.alerting import Condition
from stock_mlops.stores.alert_deliveries import DeliveryState
from stock_mlops.stores.alert_twins import MemoryAlerts
from stock_mlops.stores.alerts import Alert, AlertFilter, AlertPage, AlertRecord
from stock_mlops.stores.cursor import Cursor

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class MemoryAlertOffice:
    """``now`` is the desk's clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.table = MemoryAlerts()
        self.desk = AlertDesk(self.table, None, AlertSettings(), now=lambda: self.now)

    def check(self, *tickers: str, detector: str = "feature_drift", **condition: Any) -> None:
        """A check that finds something wrong with these tickers, a minute after the last one."""
        self.now += timedelta(minutes=1)
        known: dict[str, Any] = {"severity": Severity.WARNING, "title": "Drift", "detail": "of returns"} | condition
        found = [
            Condition(f"{detector}:US:{ticker}", f"US:{ticker}", exchange="US", ticker=ticker, **known)
            for ticker in tickers
        ]
        self.desk.reconcile(detector, ["US:AAPL", "US:IBM", "US:MSFT"], found)

    def page(self, wanted: AlertFilter, limit: int, cursor: Cursor | None = None) -> AlertPage:
        return self.table.page(wanted, limit, cursor)

    def find(self, alert_id: UUID) -> AlertRecord:
        alert = self.table.get(alert_id)
        if alert is None:
            raise no_alert(alert_id)
        told = DeliveryState("webhook", "firing", self.now, False, 0, None)
        return AlertRecord(alert, self.table.history(alert_id), [told])

    def acknowledge(self, alert_id: UUID, actor: str, comment: str | None) -> Alert:
        return self.desk.acknowledge(alert_id, actor, comment)
