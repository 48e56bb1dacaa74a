"""``stock-mlops report``: the full report on the data of the models that serve."""

from __future__ import annotations

from typing import Annotated

import typer

from stock_mlops.cli.console import console, fail


def register(app: typer.Typer) -> None:
    app.command("report")(report)


def report(
    ticker: Annotated[
        list[str] | None, typer.Argument(help="Tickers, e.g. AAPL. Default: all that are served.")
    ] = None,
    exchange: Annotated[str, typer.Option(help="Market code of the tickers: US, TW, HK, JP, UK, DE, ...")] = "US",
) -> None:
    """Write a page per ticker on how its features, returns and forecasts are distributed now, and were in training.

    Pages are kept in S3; GET /api/monitoring/reports lists them. One takes some fifteen seconds.
    """
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from sqlalchemy.exc import OperationalError
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError
    from stock_mlops.instruments import parse_symbol
    from stock_mlops.services.adaptation import served_instruments
    from stock_mlops.services.reporting import open_reporting

    settings = get_settings()
    try:
        wanted = [parse_symbol(symbol, exchange.upper()) for symbol in ticker or ()]
    except ValueError as error:
        fail(str(error))
    try:
        for written in open_reporting(settings).write(wanted or served_instruments(settings)):
            text = written.name or f"[yellow]no report: {written.reason}[/yellow]"
            console.print(f"{written.instrument.key}: {text}", highlight=False)
    except (StockMlopsError, ClickHouseError, OperationalError) as error:
        fail(str(error))
