"""``stock-mlops``: the root of the command line.

Each sub-command lives in a module of its own with ``register(app)``. Those modules import nothing heavy when they are
loaded, only when a command runs, so that ``stock-mlops --help`` stays quick.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec

import typer

# In the order of the help page. The last one is the local profile, which containers do not install.
COMMAND_MODULES = (
    "stock_mlops.cli.etl",
    "stock_mlops.cli.datasets",
    "stock_mlops.cli.leak_check",
    "stock_mlops.cli.train",
    "stock_mlops.cli.models",
    "stock_mlops.cli.backtest",
    "stock_mlops.cli.predict",
    "stock_mlops.cli.proof",
    "stock_mlops.cli.accuracy",
    "stock_mlops.cli.report",
    "stock_mlops.cli.simulate",
    "stock_mlops.cli.users",
    "stock_mlops.cli.api_keys",
    "stock_local.cli",
)


def _root() -> None:
    """Stock MLOps: collect prices, train, predict, and run the whole stack on this machine."""


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is not installed
        return False


def build_app() -> typer.Typer:
    """The application with the commands of every installed part."""
    app = typer.Typer(
        name="stock-mlops",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_show_locals=False,  # they would print passwords
    )
    app.callback()(_root)
    for name in COMMAND_MODULES:
        if _installed(name):
            importlib.import_module(name).register(app)
    return app


def main() -> None:
    """Run the command line."""
    build_app()()
