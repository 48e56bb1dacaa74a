"""``stock-mlops datasets``: what the warehouse holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    from rich.table import Table
    from stock_kit.settings import Settings

    from stock_mlops.services.datasets import Dataset


def register(app: typer.Typer) -> None:
    app.command("datasets")(datasets)


def datasets() -> None:
    """List the datasets in the warehouse and how fresh they are by their market's clock."""
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from sqlalchemy.exc import OperationalError
    from stock_kit.settings import get_settings

    settings = get_settings()
    try:
        found = read_datasets(settings)
    except ClickHouseError as error:
        fail(f"ClickHouse at {settings.clickhouse.host}:{settings.clickhouse.port} does not answer: {error}")
    except OperationalError as error:
        fail(f"PostgreSQL does not answer: {error.orig}")
    if found:
        console.print(datasets_table(found))
    else:
        console.print("The warehouse is empty. Load the sample: [bold]stock-mlops etl --source sample[/bold]")


def read_datasets(settings: Settings) -> list[Dataset]:
    """All datasets, by exchange and ticker."""
    from stock_mlops.services.datasets import describe_datasets
    from stock_mlops.stores.clickhouse import get_client
    from stock_mlops.stores.market_clock import MarketClocks
    from stock_mlops.stores.postgres import get_engine
    from stock_mlops.stores.raw_prices import RawPrices
    from stock_mlops.stores.warehouse import Warehouse

    instruments = RawPrices(get_engine(settings.raw_db)).instruments()
    return describe_datasets(
        Warehouse(get_client(settings.clickhouse)).datasets(),
        {stored.instrument: stored for stored in instruments},
        MarketClocks(get_engine(settings.model_meta_db)),
    )


def datasets_table(found: list[Dataset]) -> Table:
    table = plain_table()
    for heading in ("ticker", "source", "timeline", "first", "last"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "last close", "behind"):
        table.add_column(heading, justify="right", no_wrap=True)
    for item in found:
        table.add_row(
            f"{item.exchange}:{item.ticker}",
            item.source,
            item.timeline,
            item.first_session.isoformat(),
            item.last_session.isoformat(),
            f"{item.rows:,}",
            f"{item.last_close:,.2f}",
            _freshness(item),
        )
    return table


def _freshness(item: Dataset) -> str:
    """How many sessions are missing by the clock of its market."""
    return "[green]0[/green]" if item.fresh else f"[yellow]{item.sessions_behind:,}[/yellow]"
