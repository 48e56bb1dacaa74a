"""Requests to both backends and ws_monitor: rate, errors, duration; who was refused; caches."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board, many
from stock_dashboards.panels import NOTHING, Panel, number, promql, series

_OURS = 'job=~"$job",route!~"/(ready|health|metrics)"'


def dashboard() -> Dashboard:
    return board(
        "api",
        "API",
        "Rate, errors and duration of requests; the objective is that 99.9 % of 30 days are answered without a 5xx.",
        [
            ("Requests", _requests()),
            ("Error budget", _budget()),
            ("Access", _access()),
            ("Caches and processes", _caches()),
        ],
        [many("job", "Service", "label_values(http_requests_total, job)")],
    )


def _requests() -> list[Panel]:
    return [
        series("By service", promql('job:http_requests:rate5m{job=~"$job"}', "{{job}}"), unit="reqps"),
        series(
            "By route",
            promql('topk(10, job_route:http_requests:rate5m{job=~"$job"})', "{{job}} {{route}}"),
            unit="reqps",
            description="The ten most asked.",
        ),
        series(
            "By status",
            promql(f"sum by (status) (rate(http_requests_total{{{_OURS}}}[$__rate_interval]))", "{{status}}"),
            unit="reqps",
            stacked=True,
        ),
        series(
            "Time to answer",
            promql('job:http_request_duration_seconds:p50_5m{job=~"$job"}', "{{job}} median"),
            promql('job:http_request_duration_seconds:p99_5m{job=~"$job"}', "{{job}} p99"),
            unit="s",
        ),
        series(
            "Slowest routes, p99",
            promql(
                "topk(10, histogram_quantile(0.99, sum by (le, job, route)"
                f' (rate(http_request_duration_seconds_bucket{{{_OURS},route!~".*/stream/.*"}}[5m]))))',
                "{{job}} {{route}}",
            ),
            unit="s",
        ),
        series("Being answered", promql('sum by (job) (http_requests_in_progress{job=~"$job"})', "{{job}}")),
    ]


def _budget() -> list[Panel]:
    return [
        number(
            "Budget left of three days",
            promql('1 - job:http_errors:ratio_rate3d{job=~"$job"} / 0.001', "{{job}}", instant=True),
            unit="percentunit",
            description="1 - share of failed requests over the 0.1 % that may fail.",
            width=8,
            first="red",
            steps=[(0, "orange"), (0.5, "green")],
        ),
        series(
            "Share of requests failed",
            promql('job:http_errors:ratio_rate5m{job=~"$job"}', "{{job}} 5 min"),
            promql('job:http_errors:ratio_rate1h{job=~"$job"}', "{{job}} 1 h"),
            promql('job:http_errors:ratio_rate6h{job=~"$job"}', "{{job}} 6 h"),
            unit="percentunit",
            limits=[(0.006, "orange"), (0.0144, "red")],
            description="Lines: where ErrorBudgetBurnsFast begins over six hours, and over one.",
        ),
        series(
            "Failing routes",
            promql(
                f'sum by (job, route) (rate(http_requests_total{{{_OURS},status=~"5.."}}[$__rate_interval]))',
                "{{job}} {{route}}",
            ),
            unit="reqps",
            empty=NOTHING,
        ),
    ]


def _access() -> list[Panel]:
    return [
        series(
            "Refused before their handler",
            promql("sum by (code) (rate(stock_access_refused_total[$__rate_interval]))", "{{code}}"),
            unit="reqps",
            empty=NOTHING,
        ),
        series(
            "Log-ins",
            promql("sum by (kind, outcome) (rate(stock_logins_total[$__rate_interval]))", "{{kind}} {{outcome}}"),
            unit="ops",
            empty=NOTHING,
        ),
        series(
            "Let through for want of a database",
            promql("sum(rate(stock_rate_limit_unavailable_total[$__rate_interval]))", "rate limit not counted"),
            promql("sum(rate(stock_access_stale_total[$__rate_interval]))", "caller as last known"),
            promql("sum(rate(stock_audit_failures_total[$__rate_interval]))", "not in the audit log"),
            unit="reqps",
        ),
    ]


def _caches() -> list[Panel]:
    return [
        series(
            "Feature vectors came from",
            promql("sum by (source) (rate(stock_vector_reads_total[$__rate_interval]))", "{{source}}"),
            unit="ops",
            stacked=True,
        ),
        series(
            "Reads answered by Redis",
            promql(
                'sum(rate(stock_read_cache_reads_total{outcome="hit"}[5m]))'
                " / (sum(rate(stock_read_cache_reads_total[5m])) > 0)",
                "share",
            ),
            unit="percentunit",
            ends=(0, 1),
            empty="no reads",
        ),
        series(
            "Redis failed",
            promql("sum(rate(stock_vector_cache_errors_total[$__rate_interval]))", "vectors"),
            promql("sum(rate(stock_read_cache_errors_total[$__rate_interval]))", "reads"),
            unit="ops",
        ),
        series(
            "CPU",
            promql('sum by (job) (rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval]))', "{{job}}"),
            description="Cores, all workers of a service together.",
            width=12,
        ),
        series(
            "Memory",
            promql('sum by (job) (process_resident_memory_bytes{job=~"$job"})', "{{job}}"),
            unit="bytes",
            width=12,
        ),
    ]
