"""One scrape of one service."""

from __future__ import annotations

from time import perf_counter
from urllib.parse import urlsplit

import httpx
from stock_kit.clock import wall_now
from stock_kit.events import MetricsEvent
from stock_kit.health import describe

from metrics_publisher import metrics
from metrics_publisher.samples import NotMetricsError, flatten

# A page of ours has 20 to 100 KB; more than this is no metrics page.
MAX_BODY_BYTES = 4 * 1024 * 1024


class ScrapeError(Exception):
    """The service answered with something that is not its metrics."""


async def scrape(client: httpx.AsyncClient, service: str, url: str) -> MetricsEvent:
    """The event that tells of ``service``; one that does not answer gives an event with ``up`` false and the reason."""
    scraped_at, started = wall_now(), perf_counter()
    samples: dict[str, float] = {}
    error: str | None = None
    try:
        samples = flatten(await _fetch(client, url))
    except (httpx.HTTPError, httpx.InvalidURL, ScrapeError, NotMetricsError) as failure:
        error = describe(failure)
    seconds = perf_counter() - started
    metrics.SCRAPES.labels(service, "failed" if error else "ok").inc()
    metrics.SCRAPE_SECONDS.labels(service).set(seconds)
    metrics.UP.labels(service).set(error is None)
    return MetricsEvent(
        service=service,
        instance=urlsplit(url).netloc,
        scraped_at=scraped_at,
        up=error is None,
        duration_seconds=seconds,
        error=error,
        samples=samples,
    )


async def _fetch(client: httpx.AsyncClient, url: str) -> str:
    async with client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise ScrapeError(f"expected status 200, got {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise ScrapeError(f"the page is larger than {MAX_BODY_BYTES} bytes")
    return body.decode(errors="replace")
