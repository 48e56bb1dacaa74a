"""Prometheus metrics of ETL and replay."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

ETL_RUNS = Counter("stock_etl_runs_total", "ETL flow runs that ended", ["source", "state"])
ETL_SECONDS = Histogram(
    "stock_etl_run_duration_seconds",
    "Time of one ETL flow run",
    ["source"],
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600),
)
ETL_TICKERS = Counter("stock_etl_tickers_total", "Tickers that ETL worked on", ["source", "outcome"])
ETL_ROWS = Counter("stock_etl_rows_total", "Rows that ETL handled", ["source", "outcome"])
ROW_OUTCOMES = ("new", "changed", "unchanged", "rejected")
# Told from the beginning: of a series that appears with its first rows, nobody can say that it grew.
for _source in ("sample", "file", "yfinance", "replay"):
    ETL_SECONDS.labels(_source)
    for _state in ("completed", "failed"):
        ETL_RUNS.labels(_source, _state)
    for _outcome in ROW_OUTCOMES:
        ETL_ROWS.labels(_source, _outcome)

REPLAY_STEPS = Counter("stock_replay_steps_total", "Steps of the replay", ["outcome"])
REPLAY_SECONDS = Histogram(
    "stock_replay_step_duration_seconds", "Time of one released session", buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
)
REPLAY_FAILURES = Counter("stock_replay_failures_total", "Parts of a replay step that failed", ["part"])
REPLAY_SESSION = Gauge("stock_replay_session_timestamp_seconds", "Midnight (UTC) of the newest session released")
REPLAY_LEFT = Gauge("stock_replay_sessions_left", "Sessions until the sample ends")

CACHE_NOT_CLEARED = Counter(
    "stock_etl_cache_not_cleared_total", "Loads after which Redis could not be told to forget older feature vectors"
)
NOT_SETTLED = Counter(
    "stock_settlement_failures_total", "Loads after which the predictions they completed could not be settled"
)
