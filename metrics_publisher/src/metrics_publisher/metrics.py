"""Every Prometheus metric of this service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

SCRAPES = Counter("stock_publisher_scrapes_total", "Scrapes", ["service", "outcome"])
SCRAPE_SECONDS = Gauge("stock_publisher_scrape_seconds", "Time of the last scrape", ["service"])
UP = Gauge("stock_publisher_up", "1 when the last scrape was answered", ["service"])
SKIPPED = Counter("stock_publisher_skipped_total", "Rounds left out because an earlier one took too long")
