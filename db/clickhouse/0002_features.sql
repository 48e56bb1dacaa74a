-- One row per session; the feature columns are added from the feature registry when the warehouse is opened.
CREATE TABLE IF NOT EXISTS features
(
    exchange        LowCardinality(String),
    ticker          LowCardinality(String),
    session         Date32,
    feature_version LowCardinality(String),
    version         UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (exchange, ticker, session);
