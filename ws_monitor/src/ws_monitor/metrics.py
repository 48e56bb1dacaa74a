"""Every Prometheus metric of this service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram
from stock_kit.events import Topic

CONSUMED = Counter("stock_ws_consumed_total", "Messages read from Kafka", ["role", "topic"])
MALFORMED = Counter("stock_ws_malformed_total", "Messages that are no event of their topic", ["role", "topic"])
DUPLICATES = Counter("stock_ws_duplicates_total", "Messages seen before, by event id", ["role", "topic"])
LAG = Gauge("stock_ws_lag_messages", "Messages that the hub has not read yet, all topics; 0 while it rests")
READER_CONNECTED = Gauge("stock_ws_reader_connected", "1 while the hub follows every partition")
RESETS = Counter("stock_ws_log_resets_total", "Times the broker's log started over", ["channel"])

SINK_ROWS = Counter("stock_ws_sink_rows_total", "Rows written to ClickHouse", ["table"])
SINK_SECONDS = Histogram(
    "stock_ws_sink_seconds", "Time of one insert", buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
)
SINK_ERRORS = Counter("stock_ws_sink_errors_total", "Inserts that failed and are tried again")
SINK_REFUSED = Counter("stock_ws_sink_refused_total", "Rows that ClickHouse cannot hold", ["table"])
SINK_WAITING = Gauge("stock_ws_sink_waiting_rows", "Rows read and not written yet")
SINK_LAG = Gauge("stock_ws_sink_lag_messages", "Messages of this replica's partitions that the sink has not read yet")
SINK_PAUSED = Gauge("stock_ws_sink_paused", "1 while ClickHouse does not answer and reading rests")
SIGNALS = Counter("stock_ws_signals_total", "What the detectors told the alert desk", ["detector", "verdict"])
DETECTOR_ERRORS = Counter("stock_ws_detector_errors_total", "Events that a detector failed on", ["detector"])

CLIENTS = Gauge("stock_ws_clients", "WebSocket clients connected", ["channel"])
MESSAGES = Counter("stock_ws_messages_total", "New messages offered to the clients of a channel", ["channel"])
REFUSED = Counter("stock_ws_refused_total", "Sockets refused, by the code of their close", ["code"])
FRAMES = Counter("stock_ws_frames_sent_total", "Frames sent, each client's counted", ["channel"])
LOST = Counter("stock_ws_lost_messages_total", "Messages that slow clients lost", ["channel"])
GAPS = Counter("stock_ws_gaps_total", "Gaps told to clients", ["channel", "reason"])
DELIVERY_SECONDS = Histogram(
    "stock_ws_delivery_seconds",
    "From the making of an event to its frame",
    ["channel"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

# Told from the beginning: of a series that appears with its first message, nobody can say that it grew.
for _topic in Topic:
    MALFORMED.labels("sink", str(_topic))
