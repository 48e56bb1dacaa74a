"""``python -m stock_local.clickhouse``: serve one data folder until SIGTERM."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn
from stock_kit.logging import configure_logging, get_logger
from stock_kit.settings import get_settings

from stock_local.clickhouse.engine import Engine
from stock_local.clickhouse.server import ClickHouseApp, Credentials

log = get_logger(__name__)


def _arguments() -> argparse.Namespace:
    settings = get_settings().clickhouse
    parser = argparse.ArgumentParser(prog="python -m stock_local.clickhouse", description=__doc__)
    parser.add_argument("--host", default=settings.host)
    parser.add_argument("--port", type=int, default=settings.port)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--user", default=settings.user)
    parser.add_argument("--password", default=None, help="default: STOCK_CLICKHOUSE__PASSWORD, which ps does not show")
    return parser.parse_args()


def main() -> None:
    args = _arguments()
    settings = get_settings()
    configure_logging(settings.log, "clickhouse")
    password = settings.clickhouse.password.get_secret_value() if args.password is None else args.password
    args.data_dir.mkdir(parents=True, exist_ok=True)
    engine = Engine(args.data_dir)
    log.info("clickhouse_open", data_dir=str(args.data_dir), host=args.host, port=args.port)
    uvicorn.run(
        ClickHouseApp(engine, Credentials(args.user, password)),
        host=args.host,
        port=args.port,
        log_config=None,
        access_log=False,
        timeout_keep_alive=75,  # longer than clients keep an idle connection, so that they close it first
        timeout_graceful_shutdown=10,
    )


main()
