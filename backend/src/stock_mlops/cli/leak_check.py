"""``stock-mlops leak-check``: prove that no feature knows the future."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

    from stock_mlops.features.leak_check import Verdict


def register(app: typer.Typer) -> None:
    app.command("leak-check")(leak_check)


def leak_check(
    ticker: Annotated[
        list[str] | None, typer.Option(help="Ticker to test on; may be given more than once. Default: all there are.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet with prices. Default: the sample.", exists=True, dir_okay=False),
    ] = None,
    exchange: Annotated[str, typer.Option(help="Market code of the file's tickers: US, TW, HK, ...")] = "US",
    features: Annotated[
        str | None, typer.Option(help="Comma list of features or groups of them. Default: every one.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show every feature, not only those that fail.")] = False,
) -> None:
    """Test that features know only the past: truncation, perturbation and warm-up, on real prices, without a server.

    The exit code is 1 when a feature leaks.
    """
    from stock_mlops.features import expand_features, feature_names
    from stock_mlops.features.leak_check import check_leaks
    from stock_mlops.features.registry import select

    try:
        names = expand_features(name.strip() for name in features.split(",")) if features else feature_names()
    except ValueError as error:
        fail(f"--features: {error}")
    clean = read_prices(file, exchange.upper(), ticker)
    sessions = clean.group_by("exchange", "ticker").len().sort("ticker")
    described = ", ".join(f"{row[1]} {row[2]:,}" for row in sessions.rows())
    with console.status(f"Testing {len(names)} features on {described} sessions"):
        verdicts = check_leaks(clean, select(names))
    failing = [verdict for verdict in verdicts if verdict.problems]
    shown = verdicts if every else failing
    if shown:
        console.print(verdict_table(shown))
    for verdict in failing:
        console.print(f"[red]{verdict.feature}[/red]: {'; '.join(verdict.problems)}")
    console.print(f"Tested {len(verdicts)} features on {described} sessions.", highlight=False)
    show_untested(verdicts)
    if failing:
        fail(f"{len(failing)} of {len(verdicts)} features leak.")
    console.print("[green]No feature knows the future.[/green]")


def read_prices(file: Path | None, exchange: str, tickers: list[str] | None) -> pl.DataFrame:
    """Adjusted prices of ``tickers`` (None: all), of ``file`` or of the sample, that pass the quality gate."""
    import polars as pl
    from stock_kit.clock import wall_now

    from stock_mlops.instruments import parse_symbol, sessions_of
    from stock_mlops.prices.adjustment import adjust
    from stock_mlops.prices.quality import check
    from stock_mlops.prices.schema import RAW_SCHEMA
    from stock_mlops.prices.sources import FetchRequest, SourceError
    from stock_mlops.prices.sources.file import FileSource
    from stock_mlops.prices.sources.sample import SampleSource

    now = wall_now()
    try:
        wanted = [parse_symbol(name, default_exchange=exchange) for name in tickers] if tickers else None
        only = wanted[0] if wanted is not None and len(wanted) == 1 else None
        source = SampleSource() if file is None else FileSource(file, only, exchange)
        fetched = list(source.fetch(FetchRequest(until=now, instruments=None if wanted is None else tuple(wanted))))
    except (ValueError, SourceError) as error:
        fail(str(error))
    for item in fetched:
        if item.error is not None:
            fail(item.error)
    good = [
        adjust(check(item.rows, sessions_of(item.instrument.exchange), now).good.select(*RAW_SCHEMA))
        for item in fetched
        if len(item.rows)
    ]
    if not good:
        fail("There are no prices to test on.")
    return pl.concat(good)


def verdict_table(verdicts: list[Verdict]) -> Table:
    """One row per feature; fits a terminal 80 wide."""
    from stock_mlops.features.leak_check import TOLERANCE

    table = plain_table()
    for heading in ("feature", "group"):
        table.add_column(heading, no_wrap=True)
    for heading in ("lookback", "truncation", "perturbation", "warm-up"):
        table.add_column(heading, justify="right", no_wrap=True)
    for verdict in verdicts:
        table.add_row(
            verdict.feature,
            verdict.group,
            str(verdict.lookback),
            _cell(verdict.truncation, 0.0, verdict.past_values),
            _cell(verdict.perturbation, 0.0, verdict.past_values),
            _cell(verdict.warm_up, TOLERANCE, verdict.warm_values),
        )
    return table


def show_untested(verdicts: list[Verdict]) -> None:
    """Name what could not be tested: too short a history."""
    untested = [verdict for verdict in verdicts if verdict.untested]
    if untested:
        names = ", ".join(f"{verdict.feature} ({verdict.lookback})" for verdict in untested)
        console.print(f"[yellow]The history is too short for the lookback of {names}.[/yellow]")


def _cell(change: float, tolerated: float, compared: int) -> str:
    if compared == 0:
        return "[yellow]not tested[/yellow]"
    return f"[red]{change:.2g}[/red]" if change > tolerated else "[green]passed[/green]"
