-- The newest predictions of all tickers, and the newest settled ones, without reading the whole of either table: the same
-- rows in the order of time. Filled by views, so whoever writes the tables need not know. Not projections: ClickHouse
-- before 26.5 does not read those in order. Columns stand in the order of the table that they come from.
CREATE TABLE IF NOT EXISTS predictions_by_time
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
    levels           Array(Float64),
    lowers           Array(Float64),
    uppers           Array(Float64),
    adapted_through  Nullable(Date32),
    stale            Bool,
    out_of_range     Array(LowCardinality(String))
)
ENGINE = ReplacingMergeTree
ORDER BY (made_at, prediction_id);
CREATE MATERIALIZED VIEW IF NOT EXISTS predictions_to_time TO predictions_by_time AS
SELECT * EXCEPT (inputs) FROM predictions;
INSERT INTO predictions_by_time SELECT * EXCEPT (inputs) FROM predictions;
CREATE TABLE IF NOT EXISTS settlements_by_time
(
    prediction_id  UUID,
    exchange       LowCardinality(String),
    ticker         LowCardinality(String),
    made_at        DateTime64(6, 'UTC'),
    target_session Date32,
    model_name     LowCardinality(String),
    model_version  LowCardinality(Nullable(String)),
    origin         LowCardinality(String),
    actual_close   Float64,
    error_pct      Float64,
    version        UInt32
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (made_at, prediction_id);
CREATE MATERIALIZED VIEW IF NOT EXISTS settlements_to_time TO settlements_by_time AS
SELECT prediction_id, exchange, ticker, made_at, target_session, model_name, model_version, origin, actual_close,
    error_pct, version
FROM settlements;
INSERT INTO settlements_by_time
SELECT prediction_id, exchange, ticker, made_at, target_session, model_name, model_version, origin, actual_close,
    error_pct, version
FROM settlements;
