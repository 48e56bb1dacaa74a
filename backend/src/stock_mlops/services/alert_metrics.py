"""Prometheus metrics of alerts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge
from stock_kit.events import Severity

DETECTORS = (
    "accuracy", "data_quality", "drift", "error_drift", "feature_parity", "forecast_outlier", "metrics_anomaly",
    "model_age", "retraining", "retraining_policy", "service_down", "source_silent", "stale_data",
)  # fmt: skip
"""Whose conditions become alerts, here and in ws_monitor."""
OUTCOMES = ("delivered", "retried", "given_up")

ALERTS = Counter("stock_alerts_total", "Alerts raised, each once", ["detector", "severity"])
ALERTS_RESOLVED = Counter("stock_alerts_resolved_total", "Alerts whose condition ended", ["detector"])
# Told from the beginning: of a series that appears with its first alert, nobody can say that it grew.
for _detector in DETECTORS:
    ALERTS_RESOLVED.labels(_detector)
    for _severity in Severity:
        ALERTS.labels(_detector, _severity)
ALERTS_OPEN = Gauge(
    "stock_alerts_open", "Alerts that fire now; every process says the same", ["severity"], multiprocess_mode="livemax"
)
ALERT_SIGNALS = Counter("stock_alert_signals_total", "Words of stream detectors that the alert desk has read")
ALERT_INTAKE_ERRORS = Counter("stock_alert_intake_errors_total", "Times the alert desk lost Kafka or its database")
ALERT_DELIVERIES = Counter(
    "stock_alert_deliveries_total", "Alerts told to a receiver, by outcome of the attempt", ["receiver", "outcome"]
)
