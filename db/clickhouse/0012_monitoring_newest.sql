-- The newest row of each number, whatever its session, filled by a view: the newest pass over every instrument is read
-- every few seconds (metrics, page), and must not cost a reading of all that was ever measured.
CREATE TABLE IF NOT EXISTS monitoring_newest
(
    exchange      LowCardinality(String),
    ticker        LowCardinality(String),
    monitor       LowCardinality(String),
    part          LowCardinality(String),
    measure       LowCardinality(String),
    session       Date32,
    value         Float64,
    threshold     Nullable(Float64),
    model_name    LowCardinality(Nullable(String)),
    model_version LowCardinality(Nullable(String)),
    measured_at   DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(measured_at)
ORDER BY (exchange, ticker, monitor, part, measure);
CREATE MATERIALIZED VIEW IF NOT EXISTS monitoring_to_newest TO monitoring_newest AS SELECT * FROM monitoring;
INSERT INTO monitoring_newest
SELECT * FROM monitoring
ORDER BY measured_at DESC
LIMIT 1 BY exchange, ticker, monitor, part, measure;
