"""The first page: is everything there, and where to look when it is not."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board
from stock_dashboards.panels import NOTHING, lights, listing, number, promql, series


def dashboard() -> Dashboard:
    services = lights(
        "Services",
        promql('min by (job) (up{job!~"http|proxy|tcp"})', "{{job}}", instant=True),
        description="Whether Prometheus could scrape every replica.",
    )
    probes = lights(
        "Probes",
        promql("min by (instance) (probe_success)", "{{instance}}", instant=True),
        description="Blackbox: every HTTP service directly and through nginx, and the ports of the others.",
        empty="no blackbox exporter",
    )
    firing = listing(
        "Alerts that fire",
        promql('sum by (alertname, severity, job, exchange, ticker) (ALERTS{alertstate="firing"})', instant=True),
        description="What to do about each is in docs/runbooks.md.",
        width=12,
        empty=NOTHING,
    )
    own = series(
        "Open alerts of the platform's own detectors",
        promql("max by (severity) (stock_alerts_open)", "{{severity}}"),
        description="Drift, quality, parity, accuracy, anomalies of services: the page Alerts lists them.",
        width=12,
        empty=NOTHING,
    )
    worth = (
        number(
            "Requests failed, 5 min",
            promql("max(job:http_errors:ratio_rate5m)", instant=True),
            unit="percentunit",
            steps=[(0.001, "orange"), (0.0144, "red")],
            empty="no requests",
        ),
        number(
            "Oldest forecast not stored",
            promql("max(stock_outbox_oldest_seconds)", instant=True),
            unit="s",
            steps=[(30, "orange"), (120, "red")],
        ),
        number(
            "Longest wait in a queue",
            promql("max(queue:stock_queue_oldest_seconds:max)", instant=True),
            unit="s",
            steps=[(120, "orange"), (900, "red")],
        ),
        number(
            "Behind Kafka",
            promql("stock_ws_sink_lag_messages:sum", instant=True),
            steps=[(100, "orange"), (1000, "red")],
        ),
        number(
            "Models past their expiry",
            promql(
                "count(instrument:stock_model_age_sessions:max > on () group_left () max(stock_model_expiry_sessions))"
                " or vector(0)",
                instant=True,
            ),
            steps=[(1, "orange")],
        ),
        number(
            "Instruments behind their calendar",
            promql("count(instrument:stock_data_freshness_sessions:max > 1) or vector(0)", instant=True),
            steps=[(1, "orange")],
        ),
    )
    load = (
        series("Requests", promql("job:http_requests:rate5m", "{{job}}"), unit="reqps"),
        series("Forecasts", promql("exchange_ticker:stock_predictions:rate5m", "{{exchange}}:{{ticker}}"), unit="ops"),
        series(
            "Memory of our services",
            promql("sum by (job) (process_resident_memory_bytes)", "{{job}}"),
            unit="bytes",
            stacked=True,
        ),
    )
    return board(
        "platform",
        "Platform",
        "Is everything there, and where to look when it is not.",
        [
            ("Is it there?", [services, probes]),
            ("Is it well?", worth),
            ("What is wrong?", [firing, own]),
            ("What does it do?", load),
        ],
    )
