-- All intervals of a forecast, and what it rested on: enough to compute it again.
ALTER TABLE predictions
    ADD COLUMN IF NOT EXISTS levels Array(Float64),
    ADD COLUMN IF NOT EXISTS lowers Array(Float64),
    ADD COLUMN IF NOT EXISTS uppers Array(Float64),
    ADD COLUMN IF NOT EXISTS adapted_through Nullable(Date32),
    ADD COLUMN IF NOT EXISTS inputs Array(Float64),
    ADD COLUMN IF NOT EXISTS stale Bool,
    ADD COLUMN IF NOT EXISTS out_of_range Array(LowCardinality(String));
