"""Models that serve, how old they are, and how trainings went."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board
from stock_dashboards.panels import NOTHING, Panel, bars, listing, number, promql, series


def dashboard() -> Dashboard:
    return board(
        "training",
        "Models and training",
        "Models that serve, how old they are, and how trainings went.",
        [("Serving", _serving()), ("Training", _training())],
        since="now-24h",
        refresh="1m",
    )


def _serving() -> list[Panel]:
    return [
        number(
            "Instruments with a model", promql("count(instrument:stock_model_age_sessions:max)", instant=True), width=6
        ),
        number(
            "Models in memory",
            promql("sum(stock_resident_models)", instant=True),
            description="Of backend2, all workers.",
            width=6,
        ),
        number(
            "Catalog last asked",
            promql("max(stock_catalog_poll_age_seconds)", instant=True),
            unit="s",
            description="A new version serves within this and a few seconds.",
            steps=[(15, "orange"), (60, "red")],
            width=6,
        ),
        number(
            "Models that could not be loaded",
            promql('sum(increase(stock_model_loads_total{outcome="failed"}[1h])) or vector(0)', instant=True),
            steps=[(1, "red")],
            width=6,
        ),
        bars(
            "Sessions since the training data",
            promql(
                "instrument:stock_model_age_sessions:max", "{{exchange}}:{{ticker}} v{{model_version}}", instant=True
            ),
            description="Orange and red: two thirds of the default expiry, and past it.",
            steps=[(42, "orange"), (64, "red")],
            width=12,
        ),
        listing(
            "Serving",
            promql(
                "max by (exchange, ticker, model, model_version) (stock_model_created_timestamp_seconds) * 1000",
                instant=True,
            ),
            description="Value: when it was registered, in milliseconds since 1970.",
            width=12,
        ),
        series(
            "Time to bring a version into memory",
            promql(
                "histogram_quantile(0.95, sum by (le) (rate(stock_model_load_seconds_bucket[30m])))", "95th percentile"
            ),
            unit="s",
            width=12,
            empty="nothing loaded",
        ),
        series(
            "Loads",
            promql("sum by (outcome) (increase(stock_model_loads_total[$__rate_interval]))", "{{outcome}}"),
            width=12,
        ),
    ]


def _training() -> list[Panel]:
    return [
        series(
            "Trainings by how they ended",
            promql(
                'sum by (outcome) (increase(stock_job_duration_seconds_count{kind="train"}[$__rate_interval]))',
                "{{outcome}}",
            ),
        ),
        series(
            "Time of a training job, p95",
            promql(
                'histogram_quantile(0.95, sum by (le) (rate(stock_job_duration_seconds_bucket{kind="train"}[30m])))',
                "95th percentile",
            ),
            unit="s",
            empty="no trainings",
        ),
        series(
            "Time to fit and evaluate, mean",
            promql(
                "sum by (model_type) (stock_training_duration_seconds_sum)"
                " / (sum by (model_type) (stock_training_duration_seconds_count) > 0)",
                "{{model_type}}",
            ),
            unit="s",
            description="Of all trainings that the workers remember.",
            empty="no trainings",
        ),
        bars(
            "What became of new versions",
            promql(
                "sum by (model_type, alias) (stock_trained_versions_total)", "{{model_type}}: {{alias}}", instant=True
            ),
            description="champion: it serves; challenger: the gate refused it.",
        ),
        bars(
            "Checks of the gate that were not passed",
            promql("sum by (check) (stock_gate_failures_total)", "{{check}}", instant=True),
            empty=NOTHING,
        ),
        series(
            "Jobs waiting and running",
            promql('kind_state:stock_jobs:max{kind="train",state=~"pending|running"}', "{{state}}"),
        ),
    ]
