"""The alert desk with all that keeps it going, as a service of the platform runs it."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from stock_kit.kafka import EventProducer
from stock_kit.settings import Settings

from stock_mlops.services.alert_delivery import AlertDelivery, open_receivers, receiver_rules
from stock_mlops.services.alert_desk import AlertDesk, no_alert
from stock_mlops.services.alert_intake import INTAKE_LOCK, AlertIntake
from stock_mlops.stores.alert_deliveries import AlertDeliveries, deliveries_of
from stock_mlops.stores.alerts import Alert, AlertFilter, AlertPage, AlertRecord, Alerts
from stock_mlops.stores.cursor import Cursor
from stock_mlops.stores.postgres import advisory_lock, get_engine
from stock_mlops.stores.signal_log import SignalLog


class AlertService:
    """Its threads read signals, where no other process does, and deliver to the receivers.

    Args:
        name: of the process, for the broker.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._engine = engine = get_engine(settings.model_meta_db)
        self._alerts = Alerts(engine, receiver_rules(settings.alerts))
        self._producer = EventProducer(settings.kafka, f"{name}-alerts", queue_size=1_000)
        self._desk = AlertDesk(self._alerts, self._producer, settings.alerts)
        self._intake = AlertIntake(
            self._desk,
            self._alerts,
            partial(SignalLog, settings.kafka),
            partial(advisory_lock, engine, INTAKE_LOCK),
            retention=settings.alerts.retention,
        )
        self._delivery = AlertDelivery(
            AlertDeliveries(engine), self._alerts.get, open_receivers(settings.alerts), settings.alerts
        )

    def page(self, wanted: AlertFilter, limit: int, cursor: Cursor | None = None) -> AlertPage:
        return self._alerts.page(wanted, limit, cursor)

    def find(self, alert_id: UUID) -> AlertRecord:
        """An alert with its history.

        Raises:
            NotFoundError: there is no such alert.
        """
        alert = self._alerts.get(alert_id)
        if alert is None:
            raise no_alert(alert_id)
        return AlertRecord(alert, self._alerts.history(alert_id), deliveries_of(self._engine, alert_id))

    def acknowledge(self, alert_id: UUID, actor: str, comment: str | None) -> Alert:
        """See :meth:`stock_mlops.services.alert_desk.AlertDesk.acknowledge`."""
        return self._desk.acknowledge(alert_id, actor, comment)

    def start(self) -> None:
        self._intake.start()
        self._delivery.start()

    def close(self) -> None:
        self._delivery.close()
        self._intake.close()
        self._producer.close(timeout=2.0)
