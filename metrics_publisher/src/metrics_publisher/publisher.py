"""Scrapes every service at a steady beat and publishes what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Protocol

import httpx
from stock_kit.clock import wall_now
from stock_kit.events import Event, MetricsEvent, Topic
from stock_kit.logging import get_logger
from stock_kit.settings import Settings

from metrics_publisher import metrics
from metrics_publisher.scrape import scrape

log = get_logger(__name__)

# A scrape ends before the next one is due.
_TIME_LIMIT_SHARE = 0.8


class Outlet(Protocol):
    """Where the events go; an ``EventProducer``."""

    def send(self, topic: str, event: Event) -> None: ...


def targets_of(settings: Settings) -> dict[str, str]:
    """Service name to URL: as configured, else every service of the platform that has ``/metrics``."""
    if settings.publisher.targets:
        return dict(settings.publisher.targets)
    celery = settings.celery
    return {
        "backend1": f"{settings.backend1.url}/metrics",
        "backend2": f"{settings.backend2.url}/metrics",
        "ws_monitor": f"{settings.ws_monitor.url}/metrics",
        "workflows": f"http://{settings.workflows.host}:{settings.workflows.port}/metrics",
        "celery_train": f"http://{celery.train_host}:{celery.train_metrics_port}/metrics",
        "celery_predict": f"http://{celery.predict_host}:{celery.predict_metrics_port}/metrics",
    }


def beats(start: float, interval: float) -> Iterator[float]:
    """Deadlines at a fixed distance from ``start``, however long the work between them takes; those that lie in the
    past already are left out."""
    due = start
    while True:
        yield due
        due += interval
        late = int((monotonic() - due) // interval)
        if late > 0:
            metrics.SKIPPED.inc(late)
            due += late * interval


class Publisher:
    """Runs until :meth:`stop`."""

    def __init__(self, targets: Mapping[str, str], interval: float, outlet: Outlet) -> None:
        self._targets = targets
        self._interval = interval
        self._outlet = outlet
        self._stopping = asyncio.Event()
        self._up: dict[str, bool] = {}

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        limits = httpx.Limits(max_connections=2 * len(self._targets), keepalive_expiry=2 * self._interval)
        # The environment's proxy settings are for the outside world.
        async with httpx.AsyncClient(limits=limits, timeout=self._limit, trust_env=False) as client:
            for due in beats(monotonic(), self._interval):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), max(0.0, due - monotonic()))
                if self._stopping.is_set():
                    return
                await asyncio.gather(*(self._publish(client, *target) for target in self._targets.items()))

    @property
    def _limit(self) -> float:
        return self._interval * _TIME_LIMIT_SHARE

    async def _publish(self, client: httpx.AsyncClient, service: str, url: str) -> None:
        try:
            # httpx limits each step of a request; this limits the whole, for a service that drips its answer.
            event = await asyncio.wait_for(scrape(client, service, url), self._limit)
        except TimeoutError:
            event = self._timed_out(service, url)
        self._report(event)
        self._outlet.send(Topic.METRICS, event)

    def _timed_out(self, service: str, url: str) -> MetricsEvent:
        metrics.SCRAPES.labels(service, "failed").inc()
        metrics.UP.labels(service).set(0)
        return MetricsEvent(
            service=service,
            instance=httpx.URL(url).netloc.decode(),
            scraped_at=wall_now(),
            up=False,
            duration_seconds=self._limit,
            error=f"no complete answer within {self._limit:g} s",
        )

    def _report(self, event: MetricsEvent) -> None:
        """One line when a service goes or comes, not one per scrape."""
        if self._up.get(event.service, True) != event.up:
            log.warning("service_up" if event.up else "service_down", target=event.service, error=event.error)
        self._up[event.service] = event.up
