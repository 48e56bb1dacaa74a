"""A service whose latency, error rate, queue or outbox is not what it has been lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from stock_kit.events import MetricsEvent, PredictionEvent, Severity, SignalEvent

from ws_monitor.detectors.base import LASTS
from ws_monitor.detectors.robust import robust_score
from ws_monitor.detectors.watched import WATCHED, Samples, Watched


@dataclass(slots=True)
class _Series:
    values: deque[float]
    unusual: int = 0
    """Scrapes in a row beyond the threshold."""
    usual: int = 0
    holds: bool | None = None


@dataclass(slots=True)
class _Service:
    before: Samples | None = None
    series: dict[str, _Series] = field(default_factory=dict)


class MetricsAnomaly:
    """Robust z-score of each watched number against its last ``window`` values (half an hour of scrapes), told when it
    stays beyond ``threshold`` for ``persistence`` scrapes, and over after ``recovery`` usual ones.

    What is unusual joins the window: a new level is what is usual after a quarter of an hour. Levels that must never be
    reached are for Prometheus's rules.
    """

    name: ClassVar[str] = "metrics_anomaly"

    def __init__(
        self,
        *,
        watched: Sequence[Watched] = WATCHED,
        window: int = 360,
        warm_up: int = 60,
        threshold: float = 8.0,
        persistence: int = 6,
        recovery: int = 6,
    ) -> None:
        self._watched = watched
        self._window = window
        self._warm_up = warm_up
        self._threshold = threshold
        self._persistence = persistence
        self._recovery = recovery
        self._services: dict[str, _Service] = {}

    def on_prediction(self, event: PredictionEvent) -> Iterable[SignalEvent]:  # noqa: ARG002  the protocol's
        return ()

    def on_metrics(self, event: MetricsEvent) -> Iterable[SignalEvent]:
        service = self._services.setdefault(event.service, _Service())
        if not event.up:
            service.before = None  # what grew meanwhile is of a longer time than one scrape's
            return ()
        before, service.before = service.before, event.samples
        return () if before is None else list(self._judge(event, service, before))

    def forget(self) -> None:
        """Counters may have grown for longer than one scrape; the values themselves stay a measure."""
        for service in self._services.values():
            service.before = None

    def _judge(self, event: MetricsEvent, service: _Service, before: Samples) -> Iterator[SignalEvent]:
        for watched in self._watched:
            value = watched.read(before, event.samples)
            if value is None:
                continue
            series = service.series.setdefault(watched.name, _Series(deque(maxlen=self._window)))
            score = self._score(series, watched, value)
            series.values.append(value)
            if score is not None and self._decide(series, watched, value, score) is not None:
                yield self._signal(event, watched, series, value, score)

    def _score(self, series: _Series, watched: Watched, value: float) -> float | None:
        if len(series.values) < self._warm_up:
            return None
        return robust_score(series.values, value, watched.smallest_sigma)

    def _decide(self, series: _Series, watched: Watched, value: float, score: float) -> bool | None:
        """Whether the condition holds; None while too few scrapes have said anything."""
        unusual = score > self._threshold and value >= watched.at_least
        series.unusual = series.unusual + 1 if unusual else 0
        series.usual = 0 if unusual else series.usual + 1
        if series.unusual >= self._persistence:
            series.holds = True
        elif series.usual >= self._recovery:
            series.holds = False
        return series.holds

    def _signal(
        self, event: MetricsEvent, watched: Watched, series: _Series, value: float, score: float
    ) -> SignalEvent:
        shown = watched.shown.format(value)
        return SignalEvent(
            detector=self.name,
            fingerprint=f"{self.name}:{event.service}:{watched.name}",
            subject=event.service,
            holds=bool(series.holds),
            severity=Severity.WARNING,
            title=f"{event.service}: {watched.title[0].lower()}{watched.title[1:]}",
            detail=f"{shown}, {score:.1f} robust standard deviations above the last {len(series.values)} scrapes.",
            seen_at=event.scraped_at,
            lasts_seconds=LASTS.total_seconds(),
            service=event.service,
            value=value,
            threshold=watched.at_least,
        )
