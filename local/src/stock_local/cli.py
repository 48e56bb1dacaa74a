"""``stock-mlops up``, ``down``, ``status``, ``logs``, ``doctor`` and ``settings``: the local profile's commands."""

from __future__ import annotations

from typing import Annotated

import typer

_PANEL = "This machine"


def up(
    services: Annotated[
        list[str] | None,
        typer.Argument(help="Only these and what they need. Default: all.", show_default=False),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once everything is up.")] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Then load the sample prices, train a model and make a forecast.")
    ] = False,
) -> None:
    """Start the stack; Ctrl-C stops it."""
    from stock_local.commands.up import up as run

    run(services, detach=detach, demo=demo)


def down() -> None:
    """Stop the stack."""
    from stock_local.commands.down import down as run

    run()


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it for a program.")] = False,
) -> None:
    """Show every service: address, state, memory. Exits with 1 unless all of them are ready."""
    from stock_local.commands.status import status as run

    run(as_json=as_json)


def restart(service: Annotated[str, typer.Argument(help="Its name, as status shows it.")]) -> None:
    """Restart one service."""
    from stock_local.commands.up import restart as run

    run(service)


def logs(
    service: Annotated[str | None, typer.Argument(help="Its name. Default: all of them.", show_default=False)] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the newest lines.")] = 40,
) -> None:
    """Show what the services wrote."""
    from stock_local.commands.logs import logs as run

    run(service, follow=follow, lines=lines)


def doctor() -> None:
    """Check this machine: Python, wheels, Node, ports, disk, memory, the built page, Chromium."""
    from stock_local.commands.doctor import doctor as run

    run()


def settings() -> None:
    """Print every setting with its meaning and default, as in .env.example."""
    from stock_kit.settings_listing import env_example

    typer.echo(env_example(), nl=False)


def register(app: typer.Typer) -> None:
    for command in (up, down, status, restart, logs, doctor, settings):
        app.command(rich_help_panel=_PANEL)(command)
