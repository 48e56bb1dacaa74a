"""Prices and features: are they there, are they good, did the loads work."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board
from stock_dashboards.panels import NOTHING, Panel, bars, listing, number, promql, series, sql_table


def dashboard() -> Dashboard:
    return board(
        "quality",
        "Data quality",
        "Prices and features: are they there, are they good, did the loads work.",
        [("Data", _data()), ("Loads", _loads()), ("Replay", _replay())],
        since="now-6h",
    )


def _data() -> list[Panel]:
    return [
        bars(
            "Sessions behind the calendar",
            promql("instrument:stock_data_freshness_sessions:max", "{{exchange}}:{{ticker}}", instant=True),
            steps=[(1, "orange"), (2, "red")],
            empty="not measured yet",
        ),
        series(
            "Findings",
            promql(
                "max by (exchange, ticker, check) (stock_quality_findings) > 0", "{{exchange}}:{{ticker}} {{check}}"
            ),
            description="Missing sessions, repeated bars, outliers, no volume, ... of the newest sessions.",
            empty=NOTHING,
        ),
        bars(
            "Rows in quarantine",
            promql("max by (exchange, ticker) (stock_quarantined_rows)", "{{exchange}}:{{ticker}}", instant=True),
            description="Refused by the quality gate and not replaced by good ones since.",
            empty=NOTHING,
        ),
        series(
            "Feature parity",
            promql("max by (exchange, ticker) (stock_feature_parity_difference)", "{{exchange}}:{{ticker}}"),
            description="Largest difference between a served vector and its recomputation; over 1e-9 is an alert.",
            limits=[(1e-9, "red")],
            empty="not measured yet",
        ),
        listing(
            "In the warehouse",
            sql_table("""
SELECT exchange, ticker, any(source) AS source, min(session) AS first_session, max(session) AS last_session,
    uniqExact(session) AS sessions, countIf(volume = 0) AS without_volume
FROM prices GROUP BY exchange, ticker ORDER BY exchange, ticker"""),
            width=16,
        ),
    ]


def _loads() -> list[Panel]:
    return [
        series(
            "Rows",
            promql("sum by (source, outcome) (rate(stock_etl_rows_total[$__rate_interval]))", "{{source}} {{outcome}}"),
            unit="ops",
        ),
        series(
            "Runs",
            promql("sum by (source, state) (increase(stock_etl_runs_total[$__rate_interval]))", "{{source}} {{state}}"),
            empty="no runs",
        ),
        series(
            "Time of a run, p95",
            promql(
                "histogram_quantile(0.95, sum by (le, source) (rate(stock_etl_run_duration_seconds_bucket[1h])))",
                "{{source}}",
            ),
            unit="s",
            empty="no runs",
        ),
        number(
            "Newest end of a run",
            promql(
                "time() - max by (source, state) (stock_etl_last_end_timestamp_seconds)",
                "{{source}} {{state}}",
                instant=True,
            ),
            unit="s",
            description="So long ago.",
            width=12,
        ),
        number(
            "Not settled, caches not cleared",
            promql("sum(increase(stock_settlement_failures_total[1h]))", "loads not settled", instant=True),
            promql("sum(increase(stock_etl_cache_not_cleared_total[1h]))", "caches not cleared", instant=True),
            description="Of the last hour's loads.",
            steps=[(1, "orange")],
            width=12,
        ),
    ]


def _replay() -> list[Panel]:
    return [
        number(
            "Newest session released",
            promql("max(stock_replay_session_timestamp_seconds) * 1000", instant=True),
            unit="dateTimeAsIso",
            width=6,
            empty="no replay",
        ),
        number("Sessions left", promql("max(stock_replay_sessions_left)", instant=True), width=6, empty="no replay"),
        series(
            "Steps",
            promql("sum by (outcome) (rate(stock_replay_steps_total[$__rate_interval]))", "{{outcome}}"),
            promql("sum by (part) (rate(stock_replay_failures_total[$__rate_interval]))", "{{part}} failed"),
            unit="ops",
            width=12,
            empty="no replay",
        ),
    ]
