"""The flow ``retraining``: a thin door onto ``services.retraining``."""

from __future__ import annotations

from datetime import timedelta

from prefect import flow
from prefect.logging import get_run_logger
from stock_kit.settings import get_settings

from stock_mlops.services.retraining_desk import open_retraining_loop
from stock_mlops.workflows.runner import check_cancelled
from stock_mlops.workflows.schedules import Every

RETRAIN_DUE = Every(timedelta(minutes=10), offset=timedelta(minutes=5))
"""Between two steps of a retraining may lie no more than a training; a step that finds nothing to do is some queries.
The hourly one after :data:`MONITOR_DUE` finds its measurements."""


@flow(name="retraining", flow_run_name="advance the retrainings", persist_result=False)
def retraining() -> None:
    """Begin the retrainings that policies ask for, and take every open one as far as it goes: challenger, shadow, gate,
    promotion, probation, rollback. Safe to repeat."""
    with open_retraining_loop(get_settings()) as loop:
        report = loop.step(check=check_cancelled)
    get_run_logger().info("%s begun, %s steps taken, %s models failed", report.begun, report.moved, report.failed)
