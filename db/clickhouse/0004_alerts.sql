CREATE TABLE IF NOT EXISTS alerts
(
    alert_id    UUID,
    fingerprint String,
    severity    LowCardinality(String),
    detector    LowCardinality(String),
    title       String,
    detail      String,
    raised_at   DateTime64(6, 'UTC'),
    exchange    LowCardinality(Nullable(String)),
    ticker      LowCardinality(Nullable(String)),
    service     LowCardinality(Nullable(String)),
    value       Nullable(Float64),
    threshold   Nullable(Float64)
)
ENGINE = ReplacingMergeTree
ORDER BY (raised_at, alert_id);
