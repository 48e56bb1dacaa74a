"""The flow ``report``: starts the process that writes reports. What that needs would stay in this one's memory."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field

from stock_mlops.workflows.runner import check_cancelled
from stock_mlops.workflows.schedules import Every

REPORT_DUE = Every(timedelta(days=1), offset=timedelta(hours=5))
_LOOK_SECONDS = 1.0
_SHOWN = 2000
# Nobody waits for a report, and others for the processor.
_NICE = ("nice", "-n", "10")


class ReportFailedError(Exception):
    """The process that writes reports ended with an error; the text is its own."""


@flow(name="report", flow_run_name="write reports", persist_result=False)
def report(
    tickers: Annotated[list[str], Field(description="symbols; none: all that a model serves")] = [],  # noqa: B006
    exchange: Annotated[str, Field(description="market code of symbols that name none")] = "US",
) -> None:
    """Write a page per served ticker: its features, returns and forecasts now, and in training."""
    # What somebody names is a ticker, also when it begins with a dash.
    command = [*_NICE, sys.executable, "-m", "stock_mlops.cli", "report", f"--exchange={exchange}", "--", *tickers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
        try:
            output = _output_of(process)
        finally:
            process.kill()
    if process.returncode:
        raise ReportFailedError(output[-_SHOWN:])
    get_run_logger().info(output[-_SHOWN:])


def _output_of(process: subprocess.Popen[str]) -> str:
    while True:
        try:
            return process.communicate(timeout=_LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            check_cancelled()
