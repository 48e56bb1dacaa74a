-- The durable record of forecasts, written by ws_monitor. A resent event has the same id and replaces itself.
CREATE TABLE IF NOT EXISTS predictions
(
    prediction_id    UUID,
    exchange         LowCardinality(String),
    ticker           LowCardinality(String),
    made_at          DateTime64(6, 'UTC'),
    as_of            Date32,
    target_session   Date32,
    horizon          UInt16,
    last_close       Float64,
    predicted_return Float64,
    predicted_close  Float64,
    lower            Nullable(Float64),
    upper            Nullable(Float64),
    level            Nullable(Float64),
    probability_up   Nullable(Float64),
    model_name       LowCardinality(String),
    model_version    LowCardinality(Nullable(String)),
    model_type       LowCardinality(String),
    run_id           Nullable(String),
    fallback         Bool,
    feature_version  LowCardinality(String),
    data_version     String,
    origin           LowCardinality(String),
    job_id           Nullable(UUID),
    INDEX by_id prediction_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (exchange, ticker, made_at, prediction_id);
