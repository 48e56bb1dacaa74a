"""``stock-mlops predict``: the next close, or a path of closes, from the prediction API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stock_mlops.cli.console import console, fail
from stock_mlops.cli.http import call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

_POLL_SECONDS = 0.3


def register(app: typer.Typer) -> None:
    app.command("predict")(predict)


def predict(
    ticker: Annotated[str, typer.Argument(help="symbol, e.g. AAPL")],
    exchange: Annotated[str, typer.Option(help="market code, e.g. US or TW")] = "US",
    horizon: Annotated[int, typer.Option(min=1, max=250, help="sessions ahead")] = 1,
    days: Annotated[
        int | None, typer.Option(min=1, max=250, help="predict every session up to so many, as a job of its own")
    ] = None,
) -> None:
    """Predict the close of a ticker with its champion model."""
    from stock_kit.settings import get_settings

    base = get_settings().backend2.url
    if days is None:
        body = {"ticker": ticker, "exchange": exchange, "horizon": horizon}
        predictions = [call("POST", f"{base}/api/predict/", body)]
    else:
        predictions = _follow(base, {"ticker": ticker, "exchange": exchange, "days": days})
    _show(predictions)


def _follow(base: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Start the job and show its progress until it ends."""
    from rich.progress import Progress

    accepted = call("POST", f"{base}/api/predict/future/", body)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task(f"{body['exchange']}:{body['ticker']}", total=body["days"])
        while True:
            status = call("GET", base + accepted["partial_status_url"])
            progress.update(bar, completed=status["days_done"])
            if status["state"] not in ("pending", "running"):
                break
            time.sleep(_POLL_SECONDS)
    if status["state"] != "completed":
        ended = call("GET", base + accepted["status_url"])
        error = ended["error"] or {"title": f"The job was {ended['state']}", "detail": accepted["task_id"]}
        fail(f"{error['title']}: {error['detail']}")
    predictions: list[dict[str, Any]] = status["predictions"]
    return predictions


def _show(predictions: Sequence[dict[str, Any]]) -> None:
    first = predictions[0]
    model = first["model_name"] + (f" version {first['model_version']}" if first["model_version"] else "")
    console.print(f"{first['exchange']}:{first['ticker']} closed at {first['last_close']:,.2f} on {first['as_of']}")
    console.print(f"Forecast by {model}:")
    console.print(_table(predictions))
    if first["fallback"]:
        console.print("No trained model serves this ticker, so the random walk answers. Train one: stock-mlops train")


def _table(predictions: Sequence[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(header_style="bold")
    table.add_column("session", no_wrap=True)
    for heading in ("close", "change", "interval", "up"):
        table.add_column(heading, justify="right", no_wrap=True)
    for item in predictions:
        change = item["predicted_close"] / item["last_close"] - 1
        table.add_row(
            item["target_session"],
            f"{item['predicted_close']:,.2f}",
            f"[{'green' if change >= 0 else 'red'}]{change:+.2%}[/]",
            _interval(item),
            "" if item["probability_up"] is None else f"{item['probability_up']:.0%}",
        )
    return table


def _interval(item: dict[str, Any]) -> str:
    if item["lower"] is None or item["upper"] is None:
        return ""
    return f"{item['lower']:,.2f} to {item['upper']:,.2f} ({item['level']:.0%})"
