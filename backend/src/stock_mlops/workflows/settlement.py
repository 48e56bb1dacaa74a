"""The flow ``settlement``: a thin door onto ``services.settlement``."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated

from prefect import flow
from prefect.logging import get_run_logger
from pydantic import Field
from stock_kit.settings import get_settings

from stock_mlops.instruments import parse_symbol
from stock_mlops.services.adaptation import adapt_loaded, open_adaptation, served_instruments
from stock_mlops.services.settlement import open_settlement
from stock_mlops.workflows.schedules import Every

SETTLE_DUE = Every(timedelta(hours=1))
"""Loads settle what they complete; what remains are predictions that were stored late."""


@flow(name="settlement", flow_run_name="settle predictions", persist_result=False)
def settlement(
    tickers: Annotated[list[str], Field(description="symbols; none: all that were ever predicted")] = [],  # noqa: B006
    exchange: Annotated[str, Field(description="market code of symbols that name none")] = "US",
) -> None:
    """Give every prediction whose target session has closed its outcome. Running it again changes nothing."""
    instruments = [parse_symbol(ticker, exchange.upper()) for ticker in tickers] or None
    settings = get_settings()
    report = open_settlement(settings).settle(instruments)
    # Loads do this too; a model that was trained on an older history is caught up with here.
    adapt_loaded(partial(open_adaptation, settings))(instruments or served_instruments(settings))
    get_run_logger().info("%s predictions settled, %s revised", report.settled, report.revised)
