-- A row is a change of an alert: raised, escalated, resolved, reopened, acknowledged.
ALTER TABLE alerts
    ADD COLUMN IF NOT EXISTS revision UInt32,
    MODIFY ORDER BY (raised_at, alert_id, revision);
ALTER TABLE alerts
    ADD COLUMN IF NOT EXISTS event_id UUID DEFAULT alert_id,
    ADD COLUMN IF NOT EXISTS subject String,
    ADD COLUMN IF NOT EXISTS change LowCardinality(String) DEFAULT 'raised',
    ADD COLUMN IF NOT EXISTS state LowCardinality(String) DEFAULT 'firing',
    ADD COLUMN IF NOT EXISTS changed_at DateTime64(6, 'UTC') DEFAULT raised_at,
    ADD COLUMN IF NOT EXISTS count UInt32 DEFAULT 1,
    ADD COLUMN IF NOT EXISTS resolved_at Nullable(DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS acknowledged_at Nullable(DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS acknowledged_by Nullable(String),
    ADD COLUMN IF NOT EXISTS comment Nullable(String);
