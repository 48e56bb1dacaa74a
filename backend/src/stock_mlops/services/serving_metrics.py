"""Prometheus metrics of the prediction path."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PREDICTIONS = Counter(
    "stock_predictions_total", "Predictions acknowledged", ["exchange", "ticker", "model_version", "origin"]
)
PREDICTED_RETURN = Gauge(
    "stock_predicted_return", "Newest predicted log return", ["exchange", "ticker"], multiprocess_mode="mostrecent"
)
VECTOR_READS = Counter(
    "stock_vector_reads_total", "Feature vectors by where they came from: memory, cache, warehouse or none", ["source"]
)
CACHE_ERRORS = Counter("stock_vector_cache_errors_total", "Redis calls that failed; ClickHouse was read instead")
READ_CACHE_READS = Counter(
    "stock_read_cache_reads_total", "Answers to reads: taken from Redis (hit) or made anew (miss)", ["outcome"]
)
READ_CACHE_ERRORS = Counter("stock_read_cache_errors_total", "Redis calls that failed; the answer was made anew")
COMMIT_ROWS = Histogram(
    "stock_outbox_commit_rows", "Rows of one shared commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
OUTBOX_SIZE = Gauge("stock_outbox_rows", "Events not yet confirmed in ClickHouse", multiprocess_mode="livemax")
OUTBOX_AGE = Gauge(
    "stock_outbox_oldest_seconds", "Age of the oldest event not yet confirmed", multiprocess_mode="livemax"
)
OUTBOX_CONFIRMED = Counter("stock_outbox_confirmed_total", "Events found in ClickHouse and removed")
OUTBOX_RESENT = Counter("stock_outbox_resent_total", "Events sent to Kafka again")
RELAY_ERRORS = Counter("stock_outbox_relay_errors_total", "Passes of the relay that a dependency cut short")
RESIDENT_MODELS = Gauge("stock_resident_models", "Models in memory", multiprocess_mode="livesum")
MODEL_LOADS = Counter("stock_model_loads_total", "Model versions brought into memory", ["outcome"])
MODEL_LOAD_SECONDS = Histogram(
    "stock_model_load_seconds",
    "Time from wanting a model version to having it in memory",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
CATALOG_AGE = Gauge(
    "stock_catalog_poll_age_seconds", "Time since the catalog last told of champions", multiprocess_mode="livemax"
)
