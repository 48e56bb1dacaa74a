"""The machine, by node-exporter."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board, many
from stock_dashboards.panels import number, promql, series

_WHICH = 'instance=~"$instance"'
_DISKS = f'{_WHICH},fstype!~"tmpfs|overlay|squashfs|ramfs"'
_FREE = f"node_filesystem_avail_bytes{{{_DISKS}}} / node_filesystem_size_bytes{{{_DISKS}}}"


def dashboard() -> Dashboard:
    cpu = f"rate(node_cpu_seconds_total{{{_WHICH}}}[$__rate_interval])"
    return board(
        "node",
        "Machine",
        "CPU, memory, disks and network of the machine, by node-exporter.",
        [
            (
                "CPU and memory",
                [
                    series("CPU by mode", promql(f"sum by (mode) ({cpu})", "{{mode}}"), stacked=True),
                    series(
                        "Load",
                        promql(f"node_load1{{{_WHICH}}}", "1 min"),
                        promql(f"node_load15{{{_WHICH}}}", "15 min"),
                        promql(f"count(count by (cpu) (node_cpu_seconds_total{{{_WHICH}}}))", "cores"),
                    ),
                    series(
                        "Memory",
                        promql(
                            f"node_memory_MemTotal_bytes{{{_WHICH}}} - node_memory_MemAvailable_bytes{{{_WHICH}}}",
                            "used",
                        ),
                        promql(f"node_memory_MemAvailable_bytes{{{_WHICH}}}", "available"),
                        unit="bytes",
                        stacked=True,
                    ),
                    series(
                        "Swapping",
                        promql(f"rate(node_vmstat_pswpin{{{_WHICH}}}[$__rate_interval])", "pages in"),
                        promql(f"rate(node_vmstat_pswpout{{{_WHICH}}}[$__rate_interval])", "pages out"),
                        width=12,
                    ),
                    series(
                        "Pressure",
                        promql(f"rate(node_pressure_cpu_waiting_seconds_total{{{_WHICH}}}[$__rate_interval])", "cpu"),
                        promql(
                            f"rate(node_pressure_memory_waiting_seconds_total{{{_WHICH}}}[$__rate_interval])", "memory"
                        ),
                        promql(f"rate(node_pressure_io_waiting_seconds_total{{{_WHICH}}}[$__rate_interval])", "io"),
                        unit="percentunit",
                        description="Share of the time in which something waited for it.",
                        width=12,
                    ),
                ],
            ),
            (
                "Disks and network",
                [
                    number(
                        "Left on disks",
                        promql(f"min by (mountpoint) ({_FREE})", "{{mountpoint}}", instant=True),
                        unit="percentunit",
                        first="red",
                        steps=[(0.1, "orange"), (0.25, "green")],
                        width=24,
                    ),
                    series(
                        "Read and written",
                        promql(f"sum(rate(node_disk_read_bytes_total{{{_WHICH}}}[$__rate_interval]))", "read"),
                        promql(f"sum(rate(node_disk_written_bytes_total{{{_WHICH}}}[$__rate_interval]))", "written"),
                        unit="Bps",
                    ),
                    series(
                        "Disks busy",
                        promql(f"rate(node_disk_io_time_seconds_total{{{_WHICH}}}[$__rate_interval])", "{{device}}"),
                        unit="percentunit",
                    ),
                    series(
                        "Network",
                        promql(
                            f'sum(rate(node_network_receive_bytes_total{{{_WHICH},device!="lo"}}[$__rate_interval]))',
                            "in",
                        ),
                        promql(
                            f'sum(rate(node_network_transmit_bytes_total{{{_WHICH},device!="lo"}}[$__rate_interval]))',
                            "out",
                        ),
                        unit="Bps",
                    ),
                ],
            ),
        ],
        [many("instance", "Machine", "label_values(node_uname_info, instance)")],
    )
