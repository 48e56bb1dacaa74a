"""``stock-mlops etl``: load prices, through the Prefect server or in this process."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stock_mlops.cli.console import console, errors, fail, plain_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress
    from rich.table import Table
    from stock_kit.settings import Settings

    from stock_mlops.instruments import Instrument
    from stock_mlops.services.etl_report import RunReport
    from stock_mlops.services.ingest_report import TickerReport
    from stock_mlops.stores.prefect_server import PrefectServer

DEPLOYMENT = "etl/etl"
SHOWN_REJECTIONS = 20
_POLL_SECONDS = 0.5
# A run starts within two seconds where somebody serves the deployment.
_PATIENCE_SECONDS = 20.0


class Source(StrEnum):
    SAMPLE = "sample"
    FILE = "file"
    YFINANCE = "yfinance"


def register(app: typer.Typer) -> None:
    app.command("etl")(etl)


def etl(
    source: Annotated[Source, typer.Option(help="Where the prices come from.")],
    file: Annotated[
        Path | None,
        typer.Argument(help="With --source file: CSV or Parquet.", exists=True, dir_okay=False, readable=True),
    ] = None,
    ticker: Annotated[
        list[str] | None,
        typer.Option(help="Ticker to load; may be given more than once. Default: all that the source has."),
    ] = None,
    exchange: Annotated[str, typer.Option(help="Market code of the tickers: US, TW, HK, JP, UK, DE, ...")] = "US",
    full: Annotated[bool, typer.Option("--full", help="Load all history again, not only what is new.")] = False,
    direct: Annotated[bool, typer.Option("--direct", help="Load in this process, without the Prefect server.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end.")] = True,
) -> None:
    """Load prices: fetch, check, store in PostgreSQL, compute features, write to ClickHouse and Parquet.

    Running it again loads only what is new. The exit code is 1 when nothing could be loaded.
    """
    _check_usage(source, file, ticker, exchange, direct=direct, wait=wait)
    from sqlalchemy.exc import OperationalError
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError

    settings = get_settings()
    parameters = {"source": source.value, "tickers": ticker or [], "exchange": exchange.upper(), "full": full}
    try:
        report = (
            _run_here(settings, parameters, file) if direct else _run_on_server(settings, parameters, file, wait=wait)
        )
    except StockMlopsError as error:
        fail(error.detail)
    except OperationalError as error:
        fail(f"PostgreSQL does not answer: {error.orig}")
    if report is not None:
        show(report)
        if report.failed:
            raise typer.Exit(1)


def _check_usage(
    source: Source, file: Path | None, tickers: list[str] | None, exchange: str, *, direct: bool, wait: bool
) -> None:
    from stock_mlops.instruments import parse_symbol

    if source is Source.FILE and file is None:
        raise typer.BadParameter("--source file needs a file: stock-mlops etl --source file prices.csv --ticker X")
    if source is not Source.FILE and file is not None:
        raise typer.BadParameter(f"--source {source.value} takes no file; did you mean --source file {file}?")
    if source is Source.YFINANCE and not tickers:
        raise typer.BadParameter("--source yfinance needs at least one --ticker")
    if direct and not wait:
        raise typer.BadParameter("--direct loads in this process, so --no-wait makes no sense with it")
    try:
        for ticker in tickers or ["X"]:
            parse_symbol(ticker, exchange.upper())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _run_here(settings: Settings, parameters: dict[str, Any], file: Path | None) -> RunReport:
    from stock_kit.logging import configure_logging

    from stock_mlops.services.etl import EtlRequest, run_etl
    from stock_mlops.stores.migrations import migrate

    # Log lines would cut through the progress display; what matters of them is in the report.
    configure_logging(settings.log.model_copy(update={"level": "ERROR"}), "cli")
    migrate(settings)
    with _progress() as progress:
        return run_etl(settings, EtlRequest(**parameters, file=file), on_report=_display(progress))


def _run_on_server(
    settings: Settings, parameters: dict[str, Any], file: Path | None, *, wait: bool
) -> RunReport | None:
    from stock_mlops.errors import DependencyUnavailableError
    from stock_mlops.stores.prefect_server import PrefectServer
    from stock_mlops.stores.uploads import Uploads

    with PrefectServer(settings.prefect.api_url) as server:
        try:
            server.require(DEPLOYMENT)
        except DependencyUnavailableError as error:
            fail(
                f"{error.dependency} does not answer.\n"
                "Start the stack (stock-mlops up), or load in this process with --direct."
            )
        upload = None if file is None else Uploads(settings.s3).put(file)
        run_id = server.start(DEPLOYMENT, {**parameters, "upload": upload})
        console.print(f"Flow run: {server.page(run_id)}", highlight=False, soft_wrap=True)
        return _follow(settings, server, run_id) if wait else None


def _follow(settings: Settings, server: PrefectServer, run_id: str) -> RunReport:
    from stock_mlops.services.etl_report import RunReport
    from stock_mlops.stores.etl_runs import EtlRuns
    from stock_mlops.stores.postgres import get_engine

    runs = EtlRuns(get_engine(settings.raw_db))
    started, warned = time.monotonic(), False
    with _progress() as progress:
        display = _display(progress)
        while True:
            state = server.state(run_id)
            run = runs.of_flow_run(run_id)
            report = RunReport.from_dict(run.report) if run else RunReport()
            display(report)
            if state.final:
                break
            if run is None and not warned and time.monotonic() - started > _PATIENCE_SECONDS:
                warned = True
                errors.print("Nobody has taken the run yet: is the workflows service running?", style="yellow")
            time.sleep(_POLL_SECONDS)
    if state.type != "COMPLETED" and not report.failed:
        fail(f"The flow run ended as {state.name}: {state.message or 'see its page for why'}")
    return report


def _progress() -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _display(progress: Progress) -> Callable[[RunReport], None]:
    """Shows each report: a bar over the tickers, and a line for each one that ended since the report before."""
    bar = progress.add_task("tickers", total=None)
    told: set[Instrument] = set()

    def show_progress(report: RunReport) -> None:
        progress.update(bar, total=report.total, completed=len(report.tickers))
        for ticker in report.tickers:
            if ticker.instrument not in told:
                told.add(ticker.instrument)
                progress.console.print(_line(ticker), highlight=False)

    return show_progress


def _line(ticker: TickerReport) -> str:
    if ticker.error is not None:
        return f"[red]✗[/red] {ticker.instrument}: failed"
    written = ticker.new + ticker.changed
    what = f"{_rows(written)} written" if written else "nothing new"
    rejected = f", [yellow]{_rows(ticker.rejected)} rejected[/yellow]" if ticker.rejected else ""
    return f"[green]✓[/green] {ticker.instrument}: {what}{rejected}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def show(report: RunReport) -> None:
    """Print the final report."""
    if report.error is not None:
        errors.print("Refused: ", style="bold red", end="")
        errors.print(report.error, markup=False, highlight=False)
        return
    console.print(_table(report))
    for ticker in report.tickers:
        if ticker.error is not None:
            errors.print(f"{ticker.instrument}: {ticker.error}", style="red", markup=False, highlight=False)
        for note in ticker.notes:
            console.print(f"{ticker.instrument}: {note}", markup=False, highlight=False)
    _show_rejections(report)
    if not report.failed and report.written == 0:
        console.print("Nothing new: everything the source has is stored already.")
        if any(ticker.warehouse == "all" for ticker in report.tickers):
            console.print("Prices and features were written to the warehouse again.")


def _table(report: RunReport) -> Table:
    table = plain_table()
    table.add_column("ticker", no_wrap=True)
    for heading in ("read", "new", "changed", "unchanged", "rejected"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("first", "last"):
        table.add_column(heading, no_wrap=True)
    for item in report.tickers:
        numbers = (item.rows_read, item.new, item.changed, item.unchanged)
        table.add_row(
            f"[red]{item.instrument}[/red]" if item.error is not None else str(item.instrument),
            *(f"{number:,}" for number in numbers),
            f"[yellow]{item.rejected:,}[/yellow]" if item.rejected else "0",
            str(item.first_session or ""),
            str(item.last_session or ""),
        )
    return table


def _show_rejections(report: RunReport) -> None:
    rejected = sum(ticker.rejected for ticker in report.tickers)
    if not rejected:
        return
    shown = [(ticker, item) for ticker in report.tickers for item in ticker.rejections][:SHOWN_REJECTIONS]
    console.print(f"[bold yellow]{_rows(rejected)} rejected[/bold yellow]", highlight=False)
    for ticker, item in shown:
        where = f"row {item.row_number}" if item.row_number is not None else "a row"
        console.print(
            f"  {ticker.instrument} {where} ({item.session or 'no date'}): {item.reason}",
            markup=False,
            highlight=False,
        )
    if rejected > len(shown):
        console.print(f"  and {rejected - len(shown):,} more, in raw_db's table quarantine")
