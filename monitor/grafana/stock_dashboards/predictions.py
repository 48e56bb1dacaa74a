"""One instrument's forecasts: what was said, what happened, how wide the intervals were, and whether they held."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board, instrument
from stock_dashboards.panels import NOTHING, Panel, listing, number, promql, series, sql_series, sql_table

_WHERE = "exchange = '${exchange}' AND ticker = '${ticker}' AND $__timeFilter(made_at)"
_LABELS = 'exchange="$exchange",ticker="$ticker"'


def dashboard() -> Dashboard:
    return board(
        "predictions",
        "Predictions",
        "What was forecast of one instrument, and what happened. Time is when a forecast was made.",
        [
            ("Forecasts", _forecasts()),
            ("Accuracy", _accuracy()),
            ("Intervals", _intervals()),
            ("On their way", _delivery()),
        ],
        instrument(),
    )


def _forecasts() -> list[Panel]:
    # One row per prediction: the table may hold a resent one twice until ClickHouse has merged it.
    newest = f"""
SELECT made_at AS time, as_of, target_session, horizon, last_close, predicted_close, lower, upper, probability_up,
    model_name, model_version, origin, stale, length(out_of_range) AS features_out_of_range
FROM predictions WHERE {_WHERE}
ORDER BY made_at DESC LIMIT 1 BY prediction_id LIMIT 100"""
    return [
        series(
            "Predicted against actual close",
            sql_series(f"""
SELECT made_at AS time, argMax(actual_close * (1 + error_pct), version) AS predicted,
    argMax(actual_close, version) AS actual
FROM settlements WHERE {_WHERE} AND horizon = 1
GROUP BY prediction_id, made_at ORDER BY time"""),
            description="Forecasts of the next session whose close is known.",
            width=12,
            points=True,
            empty="nothing settled yet",
        ),
        series(
            "Newest forecasts and their intervals",
            sql_series(f"""
SELECT made_at AS time, any(predicted_close) AS predicted, any(lower) AS lower_end, any(upper) AS upper_end,
    any(last_close) AS last
FROM predictions WHERE {_WHERE} AND horizon = 1
GROUP BY prediction_id, made_at ORDER BY time"""),
            description="Horizon one; the interval at 90 %.",
            width=12,
            points=True,
        ),
        series(
            "Forecasts per second",
            promql(
                f"sum by (origin, model_version) (rate(stock_predictions_total{{{_LABELS}}}[$__rate_interval]))",
                "{{origin}}, version {{model_version}}",
            ),
            unit="ops",
        ),
        number(
            "Served by a trained model",
            promql(
                f'sum(stock_predictions_total{{{_LABELS},model_version!="random_walk"}})'
                f" / sum(stock_predictions_total{{{_LABELS}}})",
                instant=True,
            ),
            unit="percentunit",
            description="The others are the random walk's.",
            first="red",
            steps=[(0.5, "orange"), (0.95, "green")],
            width=8,
            empty="no model",
        ),
        number(
            "Sessions since its training data",
            promql(f"max by (model_version) (instrument:stock_model_age_sessions:max{{{_LABELS}}})", instant=True),
            steps=[(42, "orange"), (63, "red")],
            width=8,
            empty="no model",
        ),
        listing("Newest", sql_table(newest)),
    ]


def _accuracy() -> list[Panel]:
    by_version = f"""
SELECT model_name, model_version, horizon, count() AS settled, avg(abs(e)) AS mae, sqrt(avg(e * e)) AS rmse,
    avg(e) AS bias, 1 - sum(e * e) / sum(walk) AS skill, avg(right) AS direction_right, avg(inside) AS covered
FROM (
    SELECT model_name, model_version, horizon, prediction_id, argMax(error, version) AS e,
        argMax(random_walk_squared_error, version) AS walk, argMax(hit, version) AS right,
        argMax(covered, version) AS inside
    FROM settlements WHERE {_WHERE} GROUP BY model_name, model_version, horizon, prediction_id
)
GROUP BY model_name, model_version, horizon ORDER BY model_name, model_version DESC, horizon"""
    return [
        series(
            "Rolling error",
            promql(
                f'max by (measure, horizon) (stock_forecast_error{{{_LABELS},measure=~"mae|rmse"}})',
                "{{measure}}, {{horizon}} sessions",
            ),
            unit="percentunit",
            description="Of log returns, over the window of monitoring.",
            empty="not measured yet",
        ),
        series(
            "Bias",
            promql(f'max by (horizon) (stock_forecast_error{{{_LABELS},measure="bias"}})', "{{horizon}} sessions"),
            unit="percentunit",
            description="Mean of forecast minus outcome: above zero, it promised too much.",
            empty="not measured yet",
        ),
        series(
            "Skill",
            promql(f'max by (horizon) (stock_forecast_error{{{_LABELS},measure="skill"}})', "{{horizon}} sessions"),
            unit="percentunit",
            description="1 - squared errors over the random walk's: below zero, no change was the better guess.",
            limits=[(0, "orange")],
            empty="not measured yet",
        ),
        listing(
            "By version, in this range of time",
            sql_table(by_version),
            description="Errors of log returns; skill against the random walk.",
            empty="nothing settled yet",
        ),
    ]


def _intervals() -> list[Panel]:
    return [
        series(
            "Coverage",
            promql(
                f"max by (horizon, level) (stock_interval_coverage_ratio{{{_LABELS}}})",
                "{{level}}, {{horizon}} sessions",
            ),
            unit="percentunit",
            description="Share of closes inside the interval; it should be the level.",
            ends=(0, 1),
            empty="not measured yet",
        ),
        series(
            "Coverage by the settled forecasts",
            sql_series(f"""
SELECT $__timeInterval(made_at) AS time, avg(inside) AS covered FROM (
    SELECT made_at, argMax(covered, version) AS inside
    FROM settlements WHERE {_WHERE} GROUP BY prediction_id, made_at
)
WHERE isNotNull(inside) GROUP BY time ORDER BY time"""),
            unit="percentunit",
            description="At 90 %, all horizons.",
            limits=[(0.9, "green")],
            ends=(0, 1),
            points=True,
            empty="nothing settled yet",
        ),
        series(
            "Width",
            sql_series(f"""
SELECT $__timeInterval(made_at) AS time, avg(log(upper / lower)) AS width
FROM predictions WHERE {_WHERE} AND horizon = 1 AND lower > 0
GROUP BY time ORDER BY time"""),
            unit="percentunit",
            description="Of the 90 % interval of the next session, as a log return; it follows the market.",
            points=True,
            empty="no intervals",
        ),
    ]


def _delivery() -> list[Panel]:
    return [
        series(
            "Outbox",
            promql("max(stock_outbox_rows)", "rows"),
            description="Forecasts that ClickHouse has not confirmed: many while Kafka, ws_monitor or it is away.",
        ),
        series("Oldest in the outbox", promql("max(stock_outbox_oldest_seconds)", "age"), unit="s"),
        series(
            "Sent again, and passes cut short",
            promql("sum(rate(stock_outbox_resent_total[$__rate_interval]))", "sent again"),
            promql("sum(rate(stock_outbox_relay_errors_total[$__rate_interval]))", "cut short"),
            unit="ops",
            empty=NOTHING,
        ),
    ]
