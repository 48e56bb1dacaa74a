"""How a check that runs now and then reports to the alert desk."""

from __future__ import annotations

from stock_kit.settings import Settings

from stock_mlops.services.alert_delivery import receiver_rules
from stock_mlops.services.alert_desk import AlertDesk
from stock_mlops.stores.alerts import Alerts
from stock_mlops.stores.postgres import get_engine


def open_reporter(settings: Settings) -> AlertDesk:
    """An :class:`stock_mlops.services.alerting.AlertReporter` over the database of ``settings``. It keeps no connection
    to Kafka: the outbox's relay sends what it records, within some seconds."""
    alerts = Alerts(get_engine(settings.model_meta_db), receiver_rules(settings.alerts))
    return AlertDesk(alerts, None, settings.alerts)
