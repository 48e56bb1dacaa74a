-- Clean daily prices. open..close are adjusted by factor (splits and dividends, anchored at the last session);
-- raw_close is what was traded. Reads deduplicate by the newest version, merges being lazy.
CREATE TABLE IF NOT EXISTS prices
(
    exchange    LowCardinality(String),
    ticker      LowCardinality(String),
    session     Date32,
    open        Float64,
    high        Float64,
    low         Float64,
    close       Float64,
    volume      Float64,
    raw_close   Float64,
    factor      Float64,
    dividend    Float64,
    split       Float64,
    source      LowCardinality(String),
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (exchange, ticker, session);
