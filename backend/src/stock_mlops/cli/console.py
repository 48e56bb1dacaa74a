"""How every command talks: results on standard output, what went wrong on standard error."""

from __future__ import annotations

from typing import NoReturn

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

# No emoji codes: the instrument US:X followed by a colon would come out as a red cross.
console = Console(emoji=False)
errors = Console(stderr=True, emoji=False)


def fail(message: str) -> NoReturn:
    """End the command with one clear message and exit code 1."""
    errors.print(message, style="red", markup=False, highlight=False)
    raise typer.Exit(1)


def plain_table() -> Table:
    """A table that leaves its width to the columns: terminals and CI logs are 80 wide."""
    return Table(box=SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
