"""Prometheus metrics of alerts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

ALERTS = Counter("stock_alerts_total", "Alerts raised, each once", ["detector", "severity"])
ALERTS_RESOLVED = Counter("stock_alerts_resolved_total", "Alerts whose condition ended", ["detector"])
ALERTS_OPEN = Gauge(
    "stock_alerts_open", "Alerts that fire now; every process says the same", ["severity"], multiprocess_mode="livemax"
)
ALERT_SIGNALS = Counter("stock_alert_signals_total", "Words of stream detectors that the alert desk has read")
ALERT_INTAKE_ERRORS = Counter("stock_alert_intake_errors_total", "Times the alert desk lost Kafka or its database")
ALERT_DELIVERIES = Counter(
    "stock_alert_deliveries_total", "Alerts told to a receiver, by outcome of the attempt", ["receiver", "outcome"]
)
