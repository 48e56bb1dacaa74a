"""The flows that the workflows service serves; people start them in Prefect's page and by ``POST /api/flows/...``."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, cast

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from stock_kit.settings import Settings

from stock_mlops.services.daily_etl import daily_exchanges
from stock_mlops.workflows.cleanup import CLEAN_DUE, cleanup
from stock_mlops.workflows.deployment import Deployment
from stock_mlops.workflows.etl import etl, etl_after_close, source_limit
from stock_mlops.workflows.monitoring import MONITOR_DUE, monitoring
from stock_mlops.workflows.registry import TEND_DUE, registry
from stock_mlops.workflows.report import REPORT_DUE, report
from stock_mlops.workflows.retraining import RETRAIN_DUE, retraining
from stock_mlops.workflows.schedules import AfterClose, Due
from stock_mlops.workflows.settlement import SETTLE_DUE, settlement

# Yahoo has a session some minutes after its close, and sometimes hours; who is not behind any more costs nothing.
_AFTER_CLOSE = (timedelta(minutes=30), timedelta(hours=3))


def deployments(settings: Settings) -> list[Deployment]:
    concurrent = cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=settings.etl.concurrency))
    return [
        Deployment(
            etl.with_options(task_runner=concurrent),
            "etl",
            "Load prices from yfinance, a file or the shipped sample into PostgreSQL and ClickHouse.",
            tags=("etl",),
        ),
        Deployment(
            etl_after_close.with_options(task_runner=concurrent),
            "etl-after-close",
            "Load the sessions of an exchange that have closed, for its instruments that come from the daily source.",
            tags=("etl",),
            find_due=partial(_after_closes, settings),
        ),
        Deployment(
            settlement,
            "settlement",
            "Compare predictions with the closes that they were made for.",
            tags=("evaluation",),
            due=(SETTLE_DUE,),
        ),
        Deployment(
            monitoring,
            "monitoring",
            "Measure drift, errors, coverage, parity, quality and freshness, and report what is wrong.",
            tags=("monitoring",),
            due=(MONITOR_DUE,),
            at_once=1,
        ),
        Deployment(
            retraining,
            "retraining",
            "Train models again as their policies ask, prove the challengers, promote, watch, roll back.",
            tags=("registry",),
            due=(RETRAIN_DUE,),
            at_once=1,
        ),
        Deployment(
            report,
            "report",
            "Write the full report on the data of each model that serves.",
            tags=("monitoring",),
            due=(REPORT_DUE,),
            at_once=1,
        ),
        Deployment(
            registry,
            "registry",
            "Purge models that were deleted long enough ago, and let MLflow's aliases follow the catalog.",
            tags=("registry",),
            due=(TEND_DUE,),
        ),
        Deployment(
            cleanup,
            "cleanup",
            "Delete reports and measurements that have been kept long enough.",
            tags=("monitoring",),
            due=(CLEAN_DUE,),
            at_once=1,
        ),
    ]


def source_slots(settings: Settings) -> dict[str, int]:
    """The server's concurrency limits of outside sources."""
    name = source_limit("yfinance")
    return {} if name is None else {name: settings.etl.source_concurrency}


def _after_closes(settings: Settings) -> list[Due]:
    return [AfterClose(exchange, delay) for exchange in daily_exchanges(settings) for delay in _AFTER_CLOSE]
