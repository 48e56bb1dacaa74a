-- What two versions of a model forecast of the same sessions while one of them is on trial: the challenger beside the
-- champion, later the version that serves beside the one before it. Nobody was served these; they are no predictions.
-- Outcomes are joined from the prices when they are asked for.
CREATE TABLE IF NOT EXISTS shadow_predictions
(
    retraining_id    UUID,
    exchange         LowCardinality(String),
    ticker           LowCardinality(String),
    session          Date32 COMMENT 'whose features the forecast was made from',
    target_session   Date32,
    horizon          UInt16,
    model_name       LowCardinality(String),
    model_version    UInt32,
    predicted_return Float64,
    half_width       Float64 COMMENT 'of its interval, adapted to the outcomes known at session',
    level            Float64,
    recorded_at      DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY (retraining_id, exchange, ticker, model_version, horizon, session);
