"""Numbers of a service that are watched, out of the samples of its scrapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Samples = Mapping[str, float]
"""Of one scrape: ``{'http_requests_total{method="GET",route="/x",status="200"}': 12.0}``."""

# With fewer requests between two scrapes a share says nothing.
_LEAST_REQUESTS = 10.0


@dataclass(frozen=True, slots=True)
class Watched:
    """One number, and what of it is worth an alert.

    ``read`` takes the scrape before and the present one; None: nothing can be said of this one.
    """

    name: str
    title: str
    read: Callable[[Samples, Samples], float | None]
    smallest_sigma: float
    """A spread below it is noise; in the number's unit."""
    at_least: float
    """However unusual, a smaller value troubles nobody."""
    shown: str
    """How the value is written."""


def _sum(samples: Samples, name: str, label: str = "") -> float:
    """Of all series of a metric whose labels contain ``label``."""
    return sum(value for key, value in samples.items() if key.partition("{")[0] == name and label in key)


def _growth(before: Samples, now: Samples, name: str, label: str = "") -> float | None:
    """None when a counter fell: the service was restarted."""
    grown = _sum(now, name, label) - _sum(before, name, label)
    return grown if grown >= 0 else None


def _error_share(before: Samples, now: Samples) -> float | None:
    requests = _growth(before, now, "http_requests_total")
    errors = _growth(before, now, "http_requests_total", 'status="5')
    if requests is None or errors is None or requests < _LEAST_REQUESTS:
        return None
    return errors / requests


def _mean_seconds(before: Samples, now: Samples) -> float | None:
    # Buckets are not published, so that a quantile cannot be had here; Prometheus watches the 99th percentile.
    requests = _growth(before, now, "http_request_duration_seconds_count")
    seconds = _growth(before, now, "http_request_duration_seconds_sum")
    if requests is None or seconds is None or requests < _LEAST_REQUESTS:
        return None
    return seconds / requests


def _gauge(name: str) -> Callable[[Samples, Samples], float | None]:
    def read(_: Samples, now: Samples) -> float | None:
        return _sum(now, name) if any(key.partition("{")[0] == name for key in now) else None

    return read


WATCHED = (
    Watched("error_rate", "Requests fail more often than usual", _error_share, 0.01, 0.05, "{:.1%} of requests"),
    Watched("latency", "Requests take longer than usual", _mean_seconds, 0.02, 0.1, "{:.3f} s per request"),
    Watched("outbox", "More events than usual wait in the outbox", _gauge("stock_outbox_rows"), 20.0, 200.0, "{:.0f}"),
    Watched(
        "queue", "More messages than usual wait in the queues", _gauge("stock_queue_messages"), 2.0, 20.0, "{:.0f}"
    ),
)
