"""All detectors, and what stands between them and the operator: each event once, each condition not too often."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from stock_kit.events import AlertEvent, Event, MetricsEvent, PredictionEvent, Severity
from stock_kit.logging import get_logger

from ws_monitor import metrics
from ws_monitor.detectors.base import Detector
from ws_monitor.detectors.outlier import ForecastOutlier
from ws_monitor.detectors.service_down import ServiceDown

log = get_logger(__name__)

DETECTORS: Sequence[Callable[[], Detector]] = (ForecastOutlier, ServiceDown)

COOL_DOWN = timedelta(minutes=10)
_MAX_SEEN = 20_000
_MAX_FINGERPRINTS = 10_000


class Detectors:
    """Runs every detector over an event; one that fails is logged and counted, and the others go on."""

    def __init__(self, detectors: Iterable[Detector] | None = None, *, cool_down: timedelta = COOL_DOWN) -> None:
        self._detectors = list(detectors) if detectors is not None else [make() for make in DETECTORS]
        self._cool_down = cool_down
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._raised: OrderedDict[tuple[str, Severity], datetime] = OrderedDict()

    def inspect(self, event: Event) -> list[AlertEvent]:
        """The alerts that ``event`` raises; none when the same event was inspected before."""
        if event.identity in self._seen:
            return []
        self._seen[event.identity] = None
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        alerts = [alert for detector in self._detectors for alert in self._run(detector, event)]
        return [alert for alert in alerts if self._passes(alert)]

    def _run(self, detector: Detector, event: Event) -> list[AlertEvent]:
        try:
            if isinstance(event, PredictionEvent):
                return list(detector.on_prediction(event))
            if isinstance(event, MetricsEvent):
                return list(detector.on_metrics(event))
        except Exception:
            metrics.DETECTOR_ERRORS.labels(detector.name).inc()
            log.exception("detector_failed", detector=detector.name, event_id=event.identity)
        return []

    def _passes(self, alert: AlertEvent) -> bool:
        """Whether the same condition was not raised within the cool-down, by the events' own time."""
        key = (alert.fingerprint, alert.severity)
        before = self._raised.get(key)
        if before is not None and timedelta(0) <= alert.raised_at - before < self._cool_down:
            return False
        self._raised[key] = alert.raised_at
        self._raised.move_to_end(key)
        if len(self._raised) > _MAX_FINGERPRINTS:
            self._raised.popitem(last=False)
        metrics.ALERTS.labels(alert.detector, alert.severity).inc()
        log.warning("alert_raised", detector=alert.detector, severity=alert.severity, title=alert.title)
        return True
