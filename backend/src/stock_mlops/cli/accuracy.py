"""``stock-mlops accuracy``: how good the predictions were that have met their closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from stock_mlops.stores.settlements import RollingAccuracy

_LEGEND = (
    "h: sessions ahead. n: settled sessions, of each the newest forecast. RW: random walk. Returns are log returns;"
    " bias is forecast minus realised; width is from end to end."
)


def register(app: typer.Typer) -> None:
    app.command("accuracy")(accuracy)


def accuracy(
    ticker: Annotated[str | None, typer.Argument(help="Ticker, e.g. AAPL. Default: all.")] = None,
    exchange: Annotated[str, typer.Option(help="Market code of the ticker: US, TW, HK, JP, UK, DE, ...")] = "US",
    window: Annotated[
        list[int] | None, typer.Option(min=1, help="Newest sessions to look at; may be given more than once.")
    ] = None,
    horizon: Annotated[int | None, typer.Option(min=1, help="Only this many sessions ahead.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most rows; what was settled last comes first.")] = 100,
) -> None:
    """Compare predictions with the closes that they were made for, per model version, ticker and horizon."""
    from functools import partial

    from clickhouse_connect.driver.exceptions import ClickHouseError
    from stock_kit.settings import get_settings

    from stock_mlops.instruments import parse_symbol
    from stock_mlops.stores.clickhouse import get_client
    from stock_mlops.stores.settlements import AccuracyFilter, Settlements

    wanted = AccuracyFilter(horizon=horizon)
    if ticker is not None:
        try:
            instrument = parse_symbol(ticker, default_exchange=exchange.upper())
        except ValueError as error:
            fail(str(error))
        wanted = AccuracyFilter(instrument.exchange, instrument.ticker, horizon=horizon)
    server = get_settings().clickhouse
    try:
        rows = Settlements(partial(get_client, server)).rolling(wanted, window or [20, 60, 250], limit)
    except ClickHouseError as error:
        fail(f"ClickHouse at {server.host}:{server.port} does not answer: {error}")
    if not rows:
        console.print("No prediction has met its close yet. One does when the prices of its target session are loaded.")
        return
    console.print(accuracy_table(rows))
    console.print(_LEGEND, style="dim", highlight=False)


def accuracy_table(rows: Sequence[RollingAccuracy]) -> Table:
    """One row per ticker, model version, horizon and window."""
    table = plain_table()
    table.add_column("ticker", no_wrap=True)
    table.add_column("model", overflow="fold")
    for heading in ("h", "n", "skill vs RW", "RMSE", "bias", "hit", "covered", "width"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in _distinct(rows):
        table.add_row(
            f"{row.exchange}:{row.ticker}",
            f"{row.model_name.removeprefix(f'stock-{row.exchange}-')} {row.model_version or ''}".rstrip(),
            str(row.horizon),
            str(row.n),
            _colored(row.skill),
            f"{row.rmse:.2%}",
            f"{row.bias:+.2%}",
            _cell(row.hit_rate, "{:.0%}"),
            "-" if row.coverage is None else f"{row.coverage:.0%} of {row.level:.0%}",
            _cell(row.width, "{:.1%}"),
        )
    return table


def _distinct(rows: Sequence[RollingAccuracy]) -> Iterable[RollingAccuracy]:
    """Without the windows that found no more sessions than a shorter one."""
    known = {(row.exchange, row.ticker, row.model_name, row.model_version, row.horizon, row.n): row for row in rows}
    return known.values()


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _colored(skill: float | None) -> str:
    return "-" if skill is None else f"[{'green' if skill > 0 else 'red'}]{skill:+.2%}[/]"
