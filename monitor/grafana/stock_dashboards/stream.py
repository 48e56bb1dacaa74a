"""Events from the services through Kafka to ClickHouse and to browsers."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board
from stock_dashboards.panels import NOTHING, Panel, number, promql, series


def dashboard() -> Dashboard:
    return board(
        "stream",
        "Kafka and WebSocket",
        "Events from the services through Kafka to ClickHouse and to browsers.",
        [
            ("Into Kafka", _produced()),
            ("Into ClickHouse", _stored()),
            ("To browsers", _pushed()),
            ("Alerts of the platform's own detectors", _alerts()),
        ],
    )


def _produced() -> list[Panel]:
    return [
        series(
            "Acknowledged by the broker",
            promql("sum by (job, topic) (rate(stock_kafka_sent_total[$__rate_interval]))", "{{job}} {{topic}}"),
            unit="ops",
        ),
        series(
            "Given up or dropped",
            promql(
                "sum by (job, topic) (rate(stock_kafka_failed_total[$__rate_interval]))", "{{job}} {{topic}} failed"
            ),
            promql(
                "sum by (job, topic) (rate(stock_kafka_dropped_total[$__rate_interval]))", "{{job}} {{topic}} dropped"
            ),
            unit="ops",
        ),
        series("Waiting for acknowledgement", promql("sum by (job) (stock_kafka_pending)", "{{job}}")),
    ]


def _stored() -> list[Panel]:
    return [
        series(
            "Lag",
            promql("sum(stock_ws_sink_lag_messages)", "sink, all replicas"),
            promql("max(stock_ws_lag_messages)", "hub, the slowest replica"),
            description="Messages in the log that were not read yet.",
        ),
        series(
            "Rows written",
            promql("sum by (table) (rate(stock_ws_sink_rows_total[$__rate_interval]))", "{{table}}"),
            unit="ops",
        ),
        series(
            "Time of an insert, p95",
            promql("histogram_quantile(0.95, sum by (le) (rate(stock_ws_sink_seconds_bucket[5m])))", "95th percentile"),
            unit="s",
            empty="nothing written",
        ),
        series(
            "Outbox", promql("max(stock_outbox_rows)", "rows"), promql("max(stock_outbox_oldest_seconds)", "oldest (s)")
        ),
        series(
            "Duplicates, malformed, refused",
            promql("sum(rate(stock_ws_duplicates_total[$__rate_interval]))", "seen before"),
            promql("sum(rate(stock_ws_malformed_total[$__rate_interval]))", "no event"),
            promql("sum(rate(stock_ws_sink_refused_total[$__rate_interval]))", "ClickHouse cannot hold it"),
            unit="ops",
            empty=NOTHING,
        ),
        number(
            "Sink rests",
            promql("sum(stock_ws_sink_paused)", instant=True),
            description="Replicas whose inserts fail.",
            steps=[(1, "red")],
            width=8,
        ),
    ]


def _pushed() -> list[Panel]:
    return [
        series("Clients", promql("sum by (channel) (stock_ws_clients)", "{{channel}}"), empty="no clients"),
        series(
            "From event to frame",
            promql(
                "histogram_quantile(0.5, sum by (le, channel) (rate(stock_ws_delivery_seconds_bucket[5m])))",
                "{{channel}} median",
            ),
            promql(
                "histogram_quantile(0.99, sum by (le, channel) (rate(stock_ws_delivery_seconds_bucket[5m])))",
                "{{channel}} p99",
            ),
            unit="s",
            empty="no clients",
        ),
        series(
            "Frames",
            promql("sum by (channel) (rate(stock_ws_frames_sent_total[$__rate_interval]))", "{{channel}}"),
            unit="ops",
            empty="no clients",
        ),
        series(
            "Messages that slow clients lost",
            promql("sum by (channel) (rate(stock_ws_lost_messages_total[$__rate_interval]))", "{{channel}}"),
            unit="ops",
            empty=NOTHING,
        ),
        series(
            "Gaps told to clients",
            promql("sum by (channel, reason) (rate(stock_ws_gaps_total[$__rate_interval]))", "{{channel}}: {{reason}}"),
            unit="ops",
            empty=NOTHING,
        ),
        series(
            "Sockets refused",
            promql("sum by (code) (rate(stock_ws_refused_total[$__rate_interval]))", "{{code}}"),
            unit="ops",
            empty=NOTHING,
        ),
    ]


def _alerts() -> list[Panel]:
    return [
        series(
            "Raised",
            promql(
                "sum by (detector, severity) (increase(stock_alerts_total[$__rate_interval])) > 0",
                "{{detector}} {{severity}}",
            ),
            width=12,
            empty=NOTHING,
        ),
        series("Open", promql("max by (severity) (stock_alerts_open)", "{{severity}}"), width=6, empty=NOTHING),
        series(
            "Told to receivers",
            promql(
                "sum by (receiver, outcome) (increase(stock_alert_deliveries_total[$__rate_interval])) > 0",
                "{{receiver}} {{outcome}}",
            ),
            width=6,
            empty=NOTHING,
        ),
    ]
