"""All detectors, and what stands between them and the alert desk: each event once, each judgement when it is news."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from stock_kit.events import Event, MetricsEvent, PredictionEvent, SignalEvent
from stock_kit.logging import get_logger

from ws_monitor import metrics
from ws_monitor.detectors.base import CONFIRM_EVERY, Detector
from ws_monitor.detectors.metrics_anomaly import MetricsAnomaly
from ws_monitor.detectors.outlier import ForecastOutlier
from ws_monitor.detectors.service_down import ServiceDown
from ws_monitor.detectors.source_silent import SourceSilent

log = get_logger(__name__)

DETECTORS: Sequence[Callable[[], Detector]] = (ForecastOutlier, ServiceDown, SourceSilent, MetricsAnomaly)

_MAX_SEEN = 20_000
_MAX_FINGERPRINTS = 10_000


class Detectors:
    """Runs every detector over an event; one that fails is logged and counted, and the others go on.

    A judgement is passed on when it differs from the last one about its condition, the first time too: a replica that
    takes over a partition so makes good for what its predecessor saw and could not say. What holds is confirmed once a
    minute.
    """

    def __init__(self, detectors: Iterable[Detector] | None = None) -> None:
        self._detectors = list(detectors) if detectors is not None else [make() for make in DETECTORS]
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._said: OrderedDict[str, SignalEvent] = OrderedDict()

    def inspect(self, event: Event) -> list[SignalEvent]:
        """What ``event`` says that is news; nothing when the same event was inspected before."""
        if event.identity in self._seen:
            return []
        self._seen[event.identity] = None
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        signals = [signal for detector in self._detectors for signal in self._run(detector, event)]
        return [signal for signal in signals if self._is_news(signal)]

    def forget(self) -> None:
        """Partitions were handed out anew."""
        self._said.clear()
        for detector in self._detectors:
            detector.forget()

    def _run(self, detector: Detector, event: Event) -> list[SignalEvent]:
        try:
            if isinstance(event, PredictionEvent):
                return list(detector.on_prediction(event))
            if isinstance(event, MetricsEvent):
                return list(detector.on_metrics(event))
        except Exception:
            metrics.DETECTOR_ERRORS.labels(detector.name).inc()
            log.exception("detector_failed", detector=detector.name, event_id=event.identity)
        return []

    def _is_news(self, signal: SignalEvent) -> bool:
        before = self._said.get(signal.fingerprint)
        if before is not None and (before.holds, before.severity) == (signal.holds, signal.severity):
            if not signal.holds or signal.seen_at - before.seen_at < CONFIRM_EVERY:
                return False
        elif signal.holds:
            log.warning("condition_seen", detector=signal.detector, subject=signal.subject, title=signal.title)
        self._said[signal.fingerprint] = signal
        self._said.move_to_end(signal.fingerprint)
        if len(self._said) > _MAX_FINGERPRINTS:
            self._said.popitem(last=False)
        metrics.SIGNALS.labels(signal.detector, "holds" if signal.holds else "over").inc()
        return True
