"""Counters that exist before anything is counted: Prometheus sees no increase in a series that appears."""

from __future__ import annotations

from prometheus_client import REGISTRY
from stock_kit.events import Severity
from stock_kit.service_settings import AlertSettings
from stock_mlops.services.alert_delivery import AlertDelivery
from stock_mlops.services.alert_metrics import DETECTORS
from stock_mlops.services.retraining_trail import DETECTOR, POLICY_DETECTOR
from stock_mlops.services.watchers import accuracy, drift, error_drift, freshness, parity, quality
from stock_mlops.stores.alert_twins import MemoryDeliveries
from ws_monitor.detectors import registry as stream

WATCHERS = (
    accuracy.AccuracyWatch, accuracy.AgeWatch, drift.DriftWatch, error_drift.ErrorDriftWatch,
    freshness.FreshnessWatch, parity.ParityWatch, quality.QualityWatch,
)  # fmt: skip


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_the_alerts_of_every_detector_are_counted_from_nothing() -> None:
    known = {watcher.detector for watcher in WATCHERS} | {DETECTOR, POLICY_DETECTOR}
    known |= {make().name for make in stream.DETECTORS}
    assert known == set(DETECTORS)
    for detector in DETECTORS:
        assert value("stock_alerts_resolved_total", detector=detector) is not None
        for severity in Severity:
            assert value("stock_alerts_total", detector=detector, severity=severity) is not None


def test_a_receivers_messages_are_counted_from_nothing() -> None:
    class Untold:
        name = "untold"

        def send(self, message_id: str, subject: str, text: str, body: dict[str, object]) -> None:
            raise AssertionError("nothing is due")

        def close(self) -> None:
            pass

    AlertDelivery(MemoryDeliveries(), lambda _: None, [Untold()], AlertSettings())
    for outcome in ("delivered", "retried", "given_up"):
        assert value("stock_alert_deliveries_total", receiver="untold", outcome=outcome) == 0.0
