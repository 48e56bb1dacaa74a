"""What each container uses, by cAdvisor."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board, many
from stock_dashboards.panels import bars, promql, series

_WHICH = 'name=~"$name"'
_LIMIT = f"(container_spec_memory_limit_bytes{{{_WHICH}}} > 0)"


def dashboard() -> Dashboard:
    return board(
        "containers",
        "Containers",
        "What each container uses, by cAdvisor.",
        [
            (
                "Use",
                [
                    series(
                        "CPU",
                        promql(
                            f"sum by (name) (rate(container_cpu_usage_seconds_total{{{_WHICH}}}[$__rate_interval]))",
                            "{{name}}",
                        ),
                        description="Cores.",
                        width=12,
                        stacked=True,
                    ),
                    series(
                        "Memory",
                        promql(f"sum by (name) (container_memory_working_set_bytes{{{_WHICH}}})", "{{name}}"),
                        unit="bytes",
                        width=12,
                        stacked=True,
                    ),
                    bars(
                        "Memory of its ceiling",
                        promql(
                            f"max by (name) (container_memory_working_set_bytes{{{_WHICH}}} / {_LIMIT})",
                            "{{name}}",
                            instant=True,
                        ),
                        unit="percentunit",
                        steps=[(0.8, "orange"), (0.95, "red")],
                        width=12,
                    ),
                    series(
                        "Held back by its ceiling of CPU",
                        promql(
                            "sum by (name)"
                            f" (rate(container_cpu_cfs_throttled_seconds_total{{{_WHICH}}}[$__rate_interval]))",
                            "{{name}}",
                        ),
                        unit="percentunit",
                        width=12,
                    ),
                ],
            ),
            (
                "Network and life",
                [
                    series(
                        "In",
                        promql(
                            "sum by (name)"
                            f" (rate(container_network_receive_bytes_total{{{_WHICH}}}[$__rate_interval]))",
                            "{{name}}",
                        ),
                        unit="Bps",
                    ),
                    series(
                        "Out",
                        promql(
                            "sum by (name)"
                            f" (rate(container_network_transmit_bytes_total{{{_WHICH}}}[$__rate_interval]))",
                            "{{name}}",
                        ),
                        unit="Bps",
                    ),
                    series(
                        "Running for",
                        promql(f"time() - max by (name) (container_start_time_seconds{{{_WHICH}}})", "{{name}}"),
                        unit="s",
                        description="A line that falls to zero is a restart.",
                    ),
                ],
            ),
        ],
        [many("name", "Container", "label_values(container_last_seen, name)")],
    )
