"""``stock-mlops reproduce`` and ``replay``: proof that a model, and a prediction, can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from stock_mlops.cli.console import console, fail, plain_table

if TYPE_CHECKING:
    from stock_mlops.services.reproduction import ReplayedPrediction, Reproduction


def register(app: typer.Typer) -> None:
    app.command("reproduce")(reproduce)
    app.command("replay")(replay)


def reproduce(
    run_id: Annotated[str, typer.Argument(help="MLflow run of a training, as stock-mlops train shows it.")],
) -> None:
    """Train a run's model again and prove that its forecasts are equal, bit for bit; exit code 1 when they are not."""
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError
    from stock_mlops.services.reproduction import open_reproducer

    try:
        with console.status("reading the run") as status:
            found = open_reproducer(get_settings()).reproduce(run_id, lambda _fraction, stage: status.update(stage))
    except StockMlopsError as error:
        fail(str(error))
    _show_reproduction(found)
    if not found.identical:
        raise typer.Exit(1)


def _show_reproduction(found: Reproduction) -> None:
    console.print(f"{found.spec.name}, run {found.run_id}: trained again on its {found.rows} rows", highlight=False)
    if found.identical:
        console.print("[green]Identical: forecasts, intervals and probabilities are equal bit for bit.[/green]")
    else:
        console.print(f"[red]Different: forecasts differ by up to {found.largest_difference:g}.[/red]")
    for change in found.differs:
        console.print(f"  not as it was: {change}", markup=False, highlight=False)
    if found.rebuilt_difference is None:
        console.print(
            "Its raw prices as of then, or its feature definitions, are no longer here to rebuild the data from."
        )
    else:
        console.print(
            f"Features rebuilt from the raw prices as of then: equal within {found.rebuilt_difference:.1e} (relative)."
        )


def replay(prediction_id: Annotated[UUID, typer.Argument(help="Id of a served prediction.")]) -> None:
    """Compute a served prediction again from what was stored, and compare; exit code 1 when a number differs."""
    from stock_kit.settings import get_settings

    from stock_mlops.errors import StockMlopsError
    from stock_mlops.services.reproduction import open_replayer

    try:
        found = open_replayer(get_settings()).replay(prediction_id)
    except StockMlopsError as error:
        fail(str(error))
    _show_replay(found)
    if not found.identical:
        raise typer.Exit(1)


def _show_replay(found: ReplayedPrediction) -> None:
    event = found.event
    table = plain_table()
    version = "" if event.model_version is None else f" version {event.model_version}"
    table.title = f"{event.key}, {event.as_of} to {event.target_session}, {event.model_name}{version}"
    table.title_justify = "left"
    table.add_column("value")
    for heading in ("served", "computed again"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for value in found.values:
        mark = "[green]equal[/green]" if value.equal else "[red]differs[/red]"
        table.add_row(value.name, _number(value.served), _number(value.computed), mark)
    console.print(table)


def _number(value: float | None) -> str:
    return "-" if value is None else repr(value)
