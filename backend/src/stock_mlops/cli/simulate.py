"""``stock-mlops simulate``: replay history session by session, as the platform would have lived it."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from rich.progress import Progress, TaskID
    from stock_kit.settings import Settings

    from stock_mlops.simulation.plan import Plan
    from stock_mlops.stores.simulations import Simulation

_YEAR = re.compile(r"\d{4}")


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    first: Annotated[str, typer.Option("--from", help="First session: a day (2010-01-04) or a year.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last session: a day or a year.")] = "",
    tickers: Annotated[str, typer.Option(help="Tickers, separated by commas.")] = "",
    exchange: Annotated[str, typer.Option(help="Market code of the tickers.")] = "US",
    source: Annotated[str, typer.Option(help="sample, or stored: the prices that the platform holds.")] = "sample",
    model: Annotated[str, typer.Option(help="Model type of every ticker.")] = "ridge",
    features: Annotated[str, typer.Option(help="Features or groups, separated by commas; default: the usual.")] = "",
    retrain_every: Annotated[int, typer.Option(help="New sessions before a model is trained again; 0: never.")] = 21,
    cost_bps: Annotated[float, typer.Option(help="Cost of one side of a trade in basis points.")] = 5.0,
    verify: Annotated[int, typer.Option(help="Sampled days that are computed again from data cut there.")] = 20,
    name: Annotated[str, typer.Option(help="For people.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder to write the report to as well.", file_okay=False)] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with this simulation.")] = None,
    job: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Replay history with the market clock: load, settle, forecast, monitor, retrain, session by session.

    Each session knows only what had closed by then. All happens in databases of its own; a report is what stays.
    Ctrl-C pauses it.
    """
    from sqlalchemy.exc import OperationalError
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError

    settings = get_settings()
    if job is not None and resume is not None:
        raise typer.Exit(_carried(settings, UUID(resume), UUID(job)))
    try:
        if resume is not None:
            _run(settings, _identity(resume), out)
            return
        plan = _plan(
            first, last, tickers, exchange=exchange, source=source, model=model, features=features,
            retrain_every=retrain_every, cost_bps=cost_bps, verify=verify,
        )  # fmt: skip
        _run(settings, _begin(settings, plan, name), out)
    except StockMlopsError as error:
        fail(error.detail)
    except OperationalError as error:
        fail(f"PostgreSQL does not answer: {error.orig}")


def _plan(
    first: str,
    last: str,
    tickers: str,
    *,
    exchange: str,
    source: str,
    model: str,
    features: str,
    retrain_every: int,
    cost_bps: float,
    verify: int,
) -> Plan:
    from stock_mlops.retraining.policy import Policy
    from stock_mlops.services.simulation_desk import parse_plan
    from stock_mlops.simulation.plan import monthly

    if not (first and last and tickers):
        raise typer.BadParameter("expected --from, --to and --tickers, or --resume ID")
    return parse_plan(
        {
            "first": _day(first, "01-01"),
            "last": _day(last, "12-31"),
            "tickers": _listed(tickers.upper()),
            "exchange": exchange.upper(),
            "source": source,
            "model_type": model,
            "features": _listed(features),
            "policy": monthly(retrain_every) if retrain_every else Policy(),
            "cost_bps": cost_bps,
            "verify": verify,
        }
    )


def _begin(settings: Settings, plan: Plan, name: str) -> UUID:
    from stock_mlops.services.simulation_opening import make_simulation_desk
    from stock_mlops.stores.migrations import migrate
    from stock_mlops.stores.queue import MemoryQueue

    _quiet(settings)
    migrate(settings)
    return make_simulation_desk(settings, MemoryQueue()).begin(plan, name, "command line").id


def _run(settings: Settings, simulation_id: UUID, out: Path | None) -> None:
    from stock_mlops.services.simulation import SimulationStoppedError
    from stock_mlops.services.simulation_running import run_simulation

    _quiet(settings)
    console.print(f"Simulation {simulation_id}", highlight=False)
    try:
        with _progress() as progress:
            bar = progress.add_task("preparing", total=None)
            ended = run_simulation(
                settings, simulation_id, on_progress=lambda seen: _show_progress(progress, bar, seen)
            )
    except KeyboardInterrupt:
        console.print(f"Paused. Go on with: stock-mlops simulate --resume {simulation_id}", highlight=False)
        raise typer.Exit(130) from None
    except SimulationStoppedError:
        fail(f"Simulation {simulation_id} was cancelled.")
    _show(ended)
    for file in _written(settings, ended, out):
        console.print(f"Report: {file}", highlight=False, soft_wrap=True)


def _carried(settings: Settings, simulation_id: UUID, job_id: UUID) -> int:
    """The process of a job: without a display, and no longer than its worker."""
    from stock_kit.logging import configure_logging

    from stock_mlops.errors import ConflictError
    from stock_mlops.services.jobs import is_transient
    from stock_mlops.services.simulation import SimulationStoppedError
    from stock_mlops.services.simulation_job import TRY_LATER, end_with_parent
    from stock_mlops.services.simulation_running import run_simulation

    configure_logging(settings.log, "simulation")
    end_with_parent()
    try:
        run_simulation(settings, simulation_id, job_id=job_id)
    except (SimulationStoppedError, ConflictError):
        return os.EX_OK  # cancelled, or done by somebody else
    except Exception as error:
        if is_transient(error):
            return TRY_LATER
        raise
    return os.EX_OK


def _quiet(settings: Settings) -> None:
    from stock_kit.logging import configure_logging

    # Log lines would cut through the progress display; what matters of them is in the report.
    configure_logging(settings.log.model_copy(update={"level": "ERROR"}), "cli")


def _progress() -> Progress:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _show_progress(progress: Progress, bar: TaskID, seen: Simulation) -> None:
    counts = ", ".join(f"{count} {what}" for what, count in seen.counts.items() if what in _SHOWN and count)
    told = f"{seen.session or ''} {seen.stage}" + (f" ({counts})" if counts else "")
    progress.update(bar, description=told, completed=seen.sessions_done, total=seen.sessions_total)


_SHOWN = ("trainings", "promotions", "rejections", "rollbacks", "alerts")


def _show(ended: Simulation) -> None:
    found: Mapping[str, Any] = ended.summary or {}
    table = plain_table()
    table.add_column("what", no_wrap=True)
    table.add_column("value", justify="right")
    for what in (
        "forecasts",
        "settled",
        "trainings",
        "promotions",
        "rejections",
        "rollbacks",
        "alerts",
        "false_alarms",
    ):
        table.add_row(what.replace("_", " "), f"{found[what]:,}")
    shares = {
        "skill against the random walk": found["skill"],
        "coverage": found["coverage"],
        "strategy after costs": found["money"]["strategy_return"],
        "buying and holding": found["money"]["buy_and_hold_return"],
    }
    for what, value in shares.items():
        table.add_row(what, "-" if value is None else f"{value:.2%}")
    if found["verified"] is not None:
        table.add_row("days computed again, equal", f"{found['verified']['equal']} of {found['verified']['days']}")
    console.print(table)
    for why, count in found["rejected_because"].items():
        console.print(f"rejected {count} times: {why}", highlight=False)


def _written(settings: Settings, ended: Simulation, out: Path | None) -> Iterator[str]:
    from stock_mlops.stores.simulation_reports import SimulationReports

    if out is None:
        yield f"{settings.backend1.url}/api/simulations/{ended.id}/report"
        return
    out.mkdir(parents=True, exist_ok=True)
    reports = SimulationReports(settings.s3)
    for kind, suffix in (("html", "html"), ("markdown", "md")):
        file = out / f"simulation-{ended.id}.{suffix}"
        file.write_bytes(reports.get(ended.id, kind))
        yield str(file)


def _identity(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"--resume: expected a simulation's id, got {text!r}") from None


def _day(text: str, rest: str) -> date:
    try:
        return date.fromisoformat(f"{text}-{rest}" if _YEAR.fullmatch(text) else text)
    except ValueError:
        raise typer.BadParameter(f"expected a day like 2010-01-04 or a year, got {text!r}") from None


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
