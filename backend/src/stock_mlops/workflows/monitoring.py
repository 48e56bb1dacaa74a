"""The flow ``monitoring``: a thin door onto ``services.monitoring``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger
from pydantic import Field
from stock_kit.settings import Settings, get_settings

from stock_mlops.instruments import parse_symbol, sessions_of
from stock_mlops.prices.sources.sample import EXCHANGE
from stock_mlops.services.alert_reporting import open_reporter
from stock_mlops.services.monitoring import open_monitoring
from stock_mlops.stores.prefect_server import PrefectServer
from stock_mlops.workflows.retraining import retraining
from stock_mlops.workflows.runner import check_cancelled
from stock_mlops.workflows.schedules import Every

MONITOR_DUE = Every(timedelta(hours=1), offset=timedelta(minutes=10))
"""After the settlement, which gives the outcomes that errors and coverage are told by."""

_FIRST = date(2000, 1, 3)
# The replay's clock waits for the answer.
_PATIENCE = 5.0


@flow(name="monitoring", flow_run_name="look at data and models", persist_result=False)
def monitoring(
    tickers: Annotated[list[str], Field(description="symbols; none: all in the warehouse")] = [],  # noqa: B006
    exchange: Annotated[str, Field(description="market code of symbols that name none")] = "US",
) -> None:
    """Measure drift, errors, coverage, parity, quality and freshness; report what is wrong. Safe to repeat."""
    instruments = [parse_symbol(ticker, exchange.upper()) for ticker in tickers] or None
    settings = get_settings()
    report = open_monitoring(settings, open_reporter(settings)).run(instruments, check_cancelled)
    create_markdown_artifact(key="monitoring-report", markdown=report.markdown(), description="What was seen")
    get_run_logger().info(
        "%s instruments, %s numbers, %s conditions", report.instruments, report.numbers, len(report.conditions)
    )


def watch_replay(settings: Settings) -> Callable[[date], None]:
    """To be told of each session that the replay released: every few of them all is looked at, and retrainings go
    on."""
    every = settings.monitoring.replay_every

    def after(session: date) -> None:
        # Counted from a fixed day, so that a restart changes nothing.
        if sessions_of(EXCHANGE).count(_FIRST, session) % every:
            return
        with PrefectServer(settings.prefect.api_url, timeout=_PATIENCE) as server:
            for name in (monitoring.name, retraining.name):
                server.start(f"{name}/{name}", {})

    return after
