"""Does the world still look like the training data, and do the forecasts still look like themselves? By instrument."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board, instrument
from stock_dashboards.panels import NOTHING, Panel, listing, number, promql, series, sql_series, sql_table

_LABELS = 'exchange="$exchange",ticker="$ticker"'
_WHERE = "exchange = '${exchange}' AND ticker = '${ticker}'"


def dashboard() -> Dashboard:
    return board(
        "drift",
        "Prediction drift",
        "Features against the model's reference, and forecasts against their own past, of one instrument.",
        [("Forecasts", _forecasts()), ("Features", _features()), ("Errors", _errors())],
        instrument(),
        since="now-6h",
    )


def _forecasts() -> list[Panel]:
    made = f"{_WHERE} AND $__timeFilter(made_at) AND horizon = 1"
    return [
        series(
            "Predicted returns",
            sql_series(f"""
SELECT $__timeInterval(made_at) AS time, quantile(0.1)(predicted_return) AS lowest_tenth,
    quantile(0.5)(predicted_return) AS median, quantile(0.9)(predicted_return) AS highest_tenth
FROM predictions WHERE {made} GROUP BY time ORDER BY time"""),
            unit="percentunit",
            description="Their distribution, next session: a wider or shifted band: the model says something else.",
            points=True,
            width=12,
        ),
        series(
            "Share of forecasts that say up",
            sql_series(f"""
SELECT $__timeInterval(made_at) AS time, avg(predicted_return > 0) AS up, avg(probability_up) AS mean_probability
FROM predictions WHERE {made} GROUP BY time ORDER BY time"""),
            unit="percentunit",
            ends=(0, 1),
            points=True,
            width=6,
        ),
        series(
            "Newest predicted return",
            promql(f"stock_predicted_return{{{_LABELS}}}", "{{exchange}}:{{ticker}}"),
            unit="percentunit",
            width=6,
        ),
        listing(
            "Features beyond everything the model was trained on",
            sql_table(f"""
SELECT feature, count() AS forecasts, max(made_at) AS newest
FROM predictions ARRAY JOIN out_of_range AS feature
WHERE {_WHERE} AND $__timeFilter(made_at)
GROUP BY feature ORDER BY forecasts DESC LIMIT 50"""),
            empty=NOTHING,
        ),
    ]


def _features() -> list[Panel]:
    return [
        number(
            "Features drifted",
            promql(f"sum(max by (group) (stock_drift_features{{{_LABELS}}}))", instant=True),
            description="Told apart from chance with a controlled rate of false discoveries, see docs/monitoring.md.",
            steps=[(1, "orange"), (10, "red")],
            width=6,
            empty="not measured yet",
        ),
        series(
            "Drifted, by group",
            promql(f"max by (group) (stock_drift_features{{{_LABELS}}})", "{{group}}"),
            width=9,
            empty="not measured yet",
        ),
        series(
            "Statistic, by group",
            promql(f"max by (group) (stock_drift_statistic{{{_LABELS}}})", "{{group}}"),
            description="Of the group's most changed feature.",
            width=9,
            empty="not measured yet",
        ),
        listing(
            "Measured",
            sql_table(f"""
SELECT monitor, part, measure, session, argMax(value, measured_at) AS newest, argMax(threshold, measured_at) AS limit,
    max(measured_at) AS at
FROM monitoring WHERE {_WHERE} AND $__timeFilter(measured_at)
GROUP BY monitor, part, measure, session ORDER BY at DESC, monitor, part, measure LIMIT 500"""),
            empty="not measured yet",
        ),
    ]


def _errors() -> list[Panel]:
    return [
        series(
            "Error by forecast",
            sql_series(f"""
SELECT made_at AS time, argMax(error, version) AS forecast_error
FROM settlements WHERE {_WHERE} AND $__timeFilter(made_at) AND horizon = 1
GROUP BY prediction_id, made_at ORDER BY time"""),
            unit="percentunit",
            description="Predicted minus actual log return of the next session.",
            points=True,
            width=12,
            empty="nothing settled yet",
        ),
        series(
            "Rolling bias and skill",
            promql(
                f'max by (measure, horizon) (stock_forecast_error{{{_LABELS},measure=~"bias|skill"}})',
                "{{measure}}, {{horizon}} sessions",
            ),
            unit="percentunit",
            width=12,
            empty="not measured yet",
        ),
    ]
