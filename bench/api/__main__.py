"""``python -m bench.api list``, ``predict`` and ``bulk``: each starts a local profile of its own."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from stock_local.testing import LocalStack, stack_environment

from bench.api import bulk, listing, predicting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


# Calls are counted against a limit that the load does not reach.
_ACCESS_ON = {"STOCK_ACCESS__ENABLED": "true", "STOCK_ACCESS__PREDICTIONS_PER_MINUTE": "10000000"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of_list = commands.add_parser("list", help="pages of the history with many predictions stored")
    of_list.add_argument("--rows", type=int, default=10_000_000)
    of_list.add_argument("--requests", type=int, default=400, help="of each kind")
    of_list.add_argument("--folder", type=Path, help="keep the data there, and use those of a run before")
    of_predict = commands.add_parser("predict", help="one prediction, beside mlflow models serve and a constant route")
    of_predict.add_argument("--seconds", type=int, default=8, help="of each load; the routes take turns, five each")
    of_predict.add_argument("--connections", type=int, default=10)
    of_predict.add_argument("--skip-mlflow", action="store_true")
    of_predict.add_argument("--access", action="store_true", help="our route alone, with accounts on and an API key")
    of_bulk = commands.add_parser("bulk", help="many tickers in one call, beside one call each")
    of_bulk.add_argument("--tickers", type=int, default=1_000)
    of_bulk.add_argument("--rounds", type=int, default=7, help="a thousand single, then some calls; medians")
    of_bulk.add_argument("--models", nargs="+", default=["lightgbm", "ridge"])
    options = parser.parse_args()
    access = _ACCESS_ON if getattr(options, "access", False) else {}
    with own_stack(getattr(options, "folder", None), access) as stack:
        if options.command == "list":
            listing.run(stack, options.rows, options.requests)
        elif options.command == "bulk":
            bulk.run(stack, options.tickers, options.rounds, options.models)
        elif access:
            predicting.run_with_access(stack, options.seconds, options.connections)
        else:
            predicting.run(stack, options.seconds, options.connections, with_mlflow=not options.skip_mlflow)


@contextmanager
def own_stack(kept: Path | None, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[LocalStack]:
    """Servers on free ports with their data in ``kept``, else in a temporary folder; ``more`` are variables."""
    with ExitStack() as stack:
        folder = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stock-bench-api-")))
        folder.mkdir(parents=True, exist_ok=True)
        environment = stack_environment(folder.resolve())
        environment |= {"STOCK_REPLAY__ENABLED": "false", **more}
        servers = LocalStack(environment)
        stack.callback(servers.close)
        yield servers


if __name__ == "__main__":
    main()
