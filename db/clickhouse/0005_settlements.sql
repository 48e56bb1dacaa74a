-- What became of each prediction once its target session had closed. One row per prediction; a revised price settles it
-- again with the next version, so reads take the newest one. The key is that of predictions: both are read by ticker.
CREATE TABLE IF NOT EXISTS settlements
(
    prediction_id             UUID,
    exchange                  LowCardinality(String),
    ticker                    LowCardinality(String),
    made_at                   DateTime64(6, 'UTC'),
    as_of                     Date32,
    target_session            Date32,
    horizon                   UInt16,
    model_name                LowCardinality(String),
    model_version             LowCardinality(Nullable(String)),
    origin                    LowCardinality(String),
    predicted_return          Float64,
    actual_close              Float64 COMMENT 'on the price basis of as_of',
    actual_return             Float64 COMMENT 'log return from as_of to target_session, adjusted',
    error                     Float64 COMMENT 'predicted_return - actual_return',
    error_pct                 Float64 COMMENT 'predicted_close / actual_close - 1',
    random_walk_squared_error Float64 COMMENT 'of a forecast of no change',
    hit                       Nullable(Bool) COMMENT 'direction right; null when it or the forecast is no change',
    level                     Nullable(Float64),
    covered                   Nullable(Bool) COMMENT 'actual_close inside the interval; null without one',
    width                     Nullable(Float64) COMMENT 'of the interval as a log return: log(upper / lower)',
    settled_at                DateTime64(6, 'UTC'),
    version                   UInt32 COMMENT '1 when first settled, one more at each revision'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (exchange, ticker, made_at, prediction_id);
