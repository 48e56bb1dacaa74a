"""How every command talks: results on standard output, what went wrong on standard error."""

from __future__ import annotations

from typing import NoReturn

import typer
from rich.console import Console

console = Console()
errors = Console(stderr=True)


def fail(message: str) -> NoReturn:
    """End the command with one clear message and exit code 1."""
    errors.print(message, style="red", markup=False, highlight=False)
    raise typer.Exit(1)
