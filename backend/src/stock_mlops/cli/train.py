"""``stock-mlops train``: train a model and show how good it is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stock_mlops.cli.console import console, errors, fail, plain_table
from stock_mlops.cli.http import call
from stock_mlops.cli.verdict import verdict_lines

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

_POLL_SECONDS = 0.4
_FINAL = ("completed", "failed", "cancelled")
# Daily returns hold so little that is predictable that more than this is a reason to look for a leak.
_SUSPICIOUS_SKILL = 0.05
_LEGEND = (
    "h: sessions ahead. RW: random walk. DM p: Diebold-Mariano, chance of such a skill without one."
    " Returns are log returns of the walk-forward test windows."
)


def register(app: typer.Typer) -> None:
    app.command("train")(train)


def train(
    tickers: Annotated[
        list[str], typer.Argument(help="Tickers, e.g. AAPL; 2330.TW and TW:2330 are understood as well.")
    ],
    exchange: Annotated[str, typer.Option(help="Market code: US, TW, HK, JP, UK, DE, ...")] = "US",
    model: Annotated[
        list[str] | None, typer.Option(help="Model type, e.g. ridge or lightgbm; may be given more than once.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="regression or direction, where a model type does both.")] = None,
    panel: Annotated[
        str | None, typer.Option(help="Train one model of all the tickers, a panel of this name, not one of each.")
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, max=60, help="Longest horizon in sessions; all up to it.")] = 5,
    features: Annotated[
        str | None, typer.Option(help="Comma list of features and groups of them (all, momentum, ...).")
    ] = None,
    start: Annotated[str | None, typer.Option(help="First session to train on, YYYY-MM-DD.")] = None,
    end: Annotated[str | None, typer.Option(help="Last session to train on, YYYY-MM-DD.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 7,
    param: Annotated[
        list[str] | None, typer.Option(help="Parameter of the model, name=value; may be given more than once.")
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="How it is judged: expanding, rolling or purged_kfold test windows.")
    ] = None,
    folds: Annotated[int | None, typer.Option(min=2, max=50, help="Number of test windows.")] = None,
    search: Annotated[
        int | None, typer.Option(min=1, max=500, help="Search for parameters with so many trials at most.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the training to its end.")] = True,
) -> None:
    """Train models on a worker and register them; what passes the gate serves its ticker's predictions."""
    common: dict[str, Any] = {"horizon": horizon, "seed": seed, "params": parse_params(param or [])}
    optional = {
        "task": task,
        "features": features and [name.strip() for name in features.split(",")],
        "start": start,
        "end": end,
        "validation": {name: value for name, value in (("scheme", scheme), ("folds", folds)) if value is not None},
        "search": search and {"trials": search},
    }
    common |= {name: value for name, value in optional.items() if value}
    failed = 0
    for subject in _subjects(tickers, exchange.upper(), panel):
        for model_type in model or ["ridge"]:
            failed += not _train_one({**subject, "model_type": model_type, **common}, wait=wait)
    if failed:
        raise typer.Exit(1)


def _subjects(tickers: list[str], exchange: str, panel: str | None) -> list[dict[str, Any]]:
    """What to train models of: each ticker, or one panel of them."""
    from stock_mlops.instruments import parse_symbol

    try:
        instruments = [parse_symbol(ticker, default_exchange=exchange) for ticker in tickers]
    except ValueError as error:
        fail(str(error))
    if panel is None:
        return [{"ticker": item.ticker, "exchange": item.exchange} for item in instruments]
    if len({item.exchange for item in instruments}) > 1:
        fail(f"--panel: expected tickers of one exchange, got {', '.join(str(item) for item in instruments)}")
    return [{"panel": panel, "tickers": [item.ticker for item in instruments], "exchange": instruments[0].exchange}]


def _train_one(body: dict[str, Any], *, wait: bool) -> bool:
    """Train one definition and show what came of it; whether it went well."""
    from stock_kit.settings import get_settings

    base = get_settings().backend1.url
    name = f"{body['exchange']}:{body.get('ticker') or body['panel']} {body['model_type']}"
    task = call("POST", f"{base}/api/train", body)
    if not wait:
        console.print(f"Training {name} as task {task['task_id']}; its state: GET {base}{task['status_url']}")
        return True
    status = _follow(base + task["status_url"], name)
    if status["state"] != "completed":
        problem = status["error"] or {"title": f"The training was {status['state']}", "detail": status["stage"]}
        errors.print(f"{name}: {problem['title']}: {problem['detail']}", style="red", markup=False, highlight=False)
        return False
    show(status["result"])
    return True


def parse_params(pairs: list[str]) -> dict[str, Any]:
    """``alpha=10`` as ``{"alpha": 10}``: numbers, true, false and null are read as such, the rest as text."""
    params: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"--param: expected name=value, got {pair!r}")
        try:
            params[name] = json.loads(value)
        except ValueError:
            params[name] = value
    return params


def _follow(status_url: str, name: str) -> dict[str, Any]:
    with _progress() as progress:
        bar = progress.add_task(name, total=1.0, stage="waiting for a worker")
        while True:
            status = call("GET", status_url)
            stage = status["stage"] or ("waiting for a worker" if status["state"] == "pending" else "starting")
            progress.update(bar, completed=status["progress"], stage=stage)
            if status["state"] in _FINAL:
                return status
            time.sleep(_POLL_SECONDS)


def _progress() -> Progress:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[stage]}"),
        console=console,
        transient=True,
    )


def show(result: dict[str, Any]) -> None:
    """Print what a training found."""
    metrics = result["metrics"]
    console.print(metrics_table(f"{result['registered_name']} version {result['version']}", metrics))
    console.print(_LEGEND, style="dim", highlight=False)
    for line in (*verdict(metrics), *verdict_lines(result)):
        console.print(line, highlight=False)
    console.print(f"model_id {result['model_id']}, MLflow run {result['run_id']}", style="dim", highlight=False)


def metrics_table(title: str, metrics: dict[str, Any]) -> Table:
    """One row per horizon; fits a terminal 80 wide."""
    table = plain_table()
    table.title, table.title_justify = title, "left"
    interval = f"±{metrics['level']:.0%}"
    for heading in ("h", "skill vs RW", "DM p", "direction", "AUC", "bias", "RMSE", interval, "coverage"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in metrics["horizons"]:
        table.add_row(
            str(row["horizon"]),
            _colored(row["skill"], "{:+.2%}", good=row["beats_random_walk"]),
            _cell(row["dm_p_value"], "{:.3f}"),
            _cell(row["direction_accuracy"], "{:.1%}"),
            _cell(row["auc"], "{:.3f}"),
            _cell(row["bias"], "{:+.3%}"),
            _cell(row["rmse"], "{:.2%}"),
            _cell(row["half_width"], "{:.2%}"),
            _cell(row["coverage"], "{:.1%}"),
        )
    return table


def verdict(metrics: dict[str, Any]) -> list[str]:
    """What the numbers mean, in sentences."""
    rows = metrics["horizons"]
    better = [str(row["horizon"]) for row in rows if row["beats_random_walk"]]
    lines = [
        f"[green]Better than the random walk at {', '.join(better)} sessions ahead (5 % level, all horizons counted)."
        "[/green]"
        if better
        else "[yellow]No better than the random walk at any horizon: trust the interval, not the point.[/yellow]"
    ]
    highest = max((row["skill"] or 0.0 for row in rows), default=0.0)
    if highest > _SUSPICIOUS_SKILL:
        lines.append(f"[red]A skill of {highest:.1%} is more than daily prices give: look for a leak.[/red]")
    return lines


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _colored(value: float | None, form: str, *, good: bool) -> str:
    color = "green" if good else "red" if (value or 0.0) < 0 else "yellow"
    return f"[{color}]{_cell(value, form)}[/{color}]"
