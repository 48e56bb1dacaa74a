"""``python -m bench.etl``: against the running stack, in databases of its own."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

from stock_kit.logging import configure_logging
from stock_kit.settings import load_settings

from bench.etl.stages import (
    CLASSIC,
    PeakMemory,
    Timing,
    feature_names,
    own_databases,
    to_clickhouse,
    to_postgres,
    whole_ingest,
)
from bench.etl.synthetic import write_file

TARGETS = {
    "PostgreSQL: COPY and upsert": 30_000,
    "ClickHouse: 16 classic columns computed and written": 100_000,
    f"ClickHouse: all {len(feature_names())} columns computed and written": 40_000,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.etl", description=__doc__)
    parser.add_argument("--tickers", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=5000)
    parser.add_argument("--skip-ingest", action="store_true", help="only the two stages that have a target")
    options = parser.parse_args()
    settings = load_settings()
    configure_logging(settings.log.model_copy(update={"level": "WARNING"}), "bench")
    with (
        tempfile.TemporaryDirectory() as folder,
        own_databases(settings) as own,
        PeakMemory(settings.clickhouse.port) as memory,
    ):
        file = Path(folder) / "prices.parquet"
        started = perf_counter()
        write_file(file, options.tickers, options.sessions)
        print(
            f"{options.tickers:,} tickers x {options.sessions:,} sessions, file of {file.stat().st_size / 1e6:.0f} MB"
        )
        print(f"written in {perf_counter() - started:.1f} s")
        report(to_postgres(own, file))
        report(to_clickhouse(own, file, CLASSIC, "16 classic columns"))
        if not options.skip_ingest:
            names = feature_names()
            report(to_clickhouse(own, file, names, f"all {len(names)} columns"))
            report(whole_ingest(own, file))
    for name, peak in memory.peaks.items():
        print(f"peak memory of {name}: {peak / 2**20:,.0f} MB")


def report(timings: list[Timing]) -> None:
    for timing in timings:
        target = TARGETS.get(timing.stage)
        verdict = "" if target is None else f"; target {target:,}: {'met' if timing.rate >= target else 'MISSED'}"
        took = f"{timing.seconds:.1f} s = {timing.rate:,.0f} rows/s"
        cpu = f"{timing.cpu_seconds:.1f} s of CPU = {timing.cpu_rate:,.0f} rows per CPU second"
        print(f"{timing.stage}: {timing.rows:,} rows in {took} ({cpu}){verdict}", flush=True)


if __name__ == "__main__":
    main()
