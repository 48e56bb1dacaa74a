"""What the blackbox exporter sees from outside: every HTTP service directly and through nginx, and the other ports."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board, many
from stock_dashboards.panels import lights, listing, promql, series

_WHICH = 'job=~"$job"'
_NONE = "no blackbox exporter"


def dashboard() -> Dashboard:
    return board(
        "probes",
        "Probes",
        "What the blackbox exporter sees: http asks services directly, proxy through nginx, tcp opens a port.",
        [
            (
                "Do they answer?",
                [
                    lights(
                        "Now", promql(f"probe_success{{{_WHICH}}}", "{{instance}}", instant=True), width=24, empty=_NONE
                    ),
                    series(
                        "Answered, over time",
                        promql(f"avg_over_time(probe_success{{{_WHICH}}}[5m])", "{{instance}}"),
                        unit="percentunit",
                        ends=(0, 1),
                        width=12,
                        empty=_NONE,
                    ),
                    series(
                        "Time of a probe",
                        promql(f"probe_duration_seconds{{{_WHICH}}}", "{{instance}}"),
                        unit="s",
                        width=12,
                        empty=_NONE,
                    ),
                ],
            ),
            (
                "What do they answer?",
                [
                    listing(
                        "Status",
                        promql(f"max by (job, instance) (probe_http_status_code{{{_WHICH}}})", instant=True),
                        width=12,
                        empty=_NONE,
                    ),
                    series(
                        "Phases of a request",
                        promql(f"avg by (phase) (probe_http_duration_seconds{{{_WHICH}}})", "{{phase}}"),
                        unit="s",
                        stacked=True,
                        width=12,
                        empty=_NONE,
                    ),
                ],
            ),
        ],
        [many("job", "Kind", "label_values(probe_success, job)")],
    )
