"""``stock-mlops status``."""

from __future__ import annotations

from typing import Any

import orjson
import typer
from rich.table import Table
from stock_kit.settings import Settings, get_settings
from stock_mlops.cli.console import console, fail

from stock_local.control import NotRunningError, call
from stock_local.paths import Layout

_COLOURS = {
    "ready": "green",
    "waiting": "yellow",
    "starting": "yellow",
    "restarting": "red",
    "unhealthy": "red",
    "failed": "red",
    "stopping": "yellow",
    "stopped": "dim",
}
_MEGABYTE = 1 << 20


def _megabytes(value: int) -> str:
    return f"{value / _MEGABYTE:,.0f} MB" if value else ""


def status_table(report: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("Service", "State", "Address"):
        table.add_column(heading, no_wrap=True)
    for heading in ("PID", "Memory", "Restarts"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", overflow="fold", style="red")
    total = report["memory"]
    for row in report["services"]:
        colour = _COLOURS[row["state"]]
        pid, memory = str(row["pid"] or ""), _megabytes(row["memory"])
        table.add_row(
            row["name"],
            f"[{colour}]{row['state']}[/]",
            row["address"],
            pid,
            memory,
            str(row["restarts"] or ""),
            row["detail"].splitlines()[0] if row["detail"] else "",
        )
        total += row["memory"]
    table.add_row("supervisor", "[green]ready[/]", "", str(report["pid"]), _megabytes(report["memory"]), "", "")
    table.add_section()
    table.add_row("[bold]Total[/]", "", "", "", f"[bold]{_megabytes(total)}[/]", "", "")
    return table


def page_url(settings: Settings) -> str:
    host = "127.0.0.1" if settings.local.http_host in ("0.0.0.0", "::") else settings.local.http_host  # noqa: S104
    return f"http://{host}:{settings.http_port}/"


def status(*, as_json: bool) -> None:
    settings = get_settings()
    try:
        report = call(Layout.of(settings), "status", timeout=60)
    except NotRunningError:
        fail("The stack does not run. Start it with: stock-mlops up")
    if as_json:
        typer.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
    else:
        console.print(status_table(report))
    if any(row["state"] != "ready" for row in report["services"]):
        raise typer.Exit(1)
