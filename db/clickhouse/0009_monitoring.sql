-- What the watchers measured of each instrument, one row per session and number: drift by group of features, errors and
-- coverage by horizon, parity, quality, freshness. A session that is measured again replaces its row.
CREATE TABLE IF NOT EXISTS monitoring
(
    exchange      LowCardinality(String),
    ticker        LowCardinality(String),
    monitor       LowCardinality(String) COMMENT 'drift, accuracy, coverage, parity, quality, freshness or age',
    part          LowCardinality(String) COMMENT 'group of features, horizon or check; empty: the whole',
    measure       LowCardinality(String),
    session       Date32 COMMENT 'the newest one that the number rests on',
    value         Float64,
    threshold     Nullable(Float64) COMMENT 'beyond which it is a condition; null: none by itself',
    model_name    LowCardinality(Nullable(String)),
    model_version LowCardinality(Nullable(String)),
    measured_at   DateTime64(6, 'UTC') COMMENT 'equal for all numbers of one pass over an instrument'
)
ENGINE = ReplacingMergeTree(measured_at)
ORDER BY (exchange, ticker, monitor, part, measure, session);
