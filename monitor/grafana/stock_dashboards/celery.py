"""Long jobs: queues, workers, outcomes. Ours, Flower's, and celery_exporter's view of the same."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from stock_dashboards.board import board
from stock_dashboards.panels import NOTHING, Panel, number, promql, series


def dashboard() -> Dashboard:
    return board(
        "celery",
        "Celery",
        "Long jobs: their queues, their workers, how they ended. The table jobs is the truth, Celery carries them.",
        [("Queues", _queues()), ("Jobs", _jobs()), ("Workers", _workers()), ("celery_exporter", _exporter())],
    )


def _queues() -> list[Panel]:
    return [
        number(
            "Longest wait",
            promql("queue:stock_queue_oldest_seconds:max", "{{queue}}", instant=True),
            unit="s",
            steps=[(120, "orange"), (900, "red")],
            width=8,
        ),
        series("Messages in the broker", promql("max by (queue) (stock_queue_messages)", "{{queue}}")),
        series("Longest wait over time", promql("queue:stock_queue_oldest_seconds:max", "{{queue}}"), unit="s"),
    ]


def _jobs() -> list[Panel]:
    return [
        series(
            "Waiting and running",
            promql('kind_state:stock_jobs:max{state=~"pending|running"}', "{{kind}} {{state}}"),
        ),
        series(
            "Deliveries by how they ended",
            promql(
                "sum by (kind, outcome) (rate(stock_job_duration_seconds_count[$__rate_interval]))",
                "{{kind}} {{outcome}}",
            ),
            unit="ops",
        ),
        series(
            "Time of a job, p95",
            promql(
                "histogram_quantile(0.95, sum by (le, kind) (rate(stock_job_duration_seconds_bucket[30m])))", "{{kind}}"
            ),
            unit="s",
            empty="no jobs",
        ),
        number(
            "Kept in the table",
            promql("sum by (state) (kind_state:stock_jobs:max)", "{{state}}", instant=True),
            width=24,
        ),
    ]


def _workers() -> list[Panel]:
    return [
        series("Online, by Flower", promql("flower_worker_online", "{{worker}}")),
        series(
            "Events, by Flower",
            promql("sum by (type) (rate(flower_events_total[$__rate_interval]))", "{{type}}"),
            unit="ops",
            empty=NOTHING,
        ),
        series(
            "Memory",
            promql('sum by (job) (process_resident_memory_bytes{job=~"celery_.*"})', "{{job}}"),
            unit="bytes",
        ),
    ]


def _exporter() -> list[Panel]:
    return [
        series("Workers up", promql("celery_worker_up", "{{hostname}}"), empty=NOTHING),
        series(
            "Tasks",
            promql("sum by (name) (rate(celery_task_succeeded_total[$__rate_interval]))", "{{name}} succeeded"),
            promql("sum by (name) (rate(celery_task_failed_total[$__rate_interval]))", "{{name}} failed"),
            unit="ops",
            empty=NOTHING,
        ),
        series("Queue length", promql("celery_queue_length", "{{queue_name}}"), empty=NOTHING),
    ]
