"""``python -m bench.features``: the registry's features beside pandas, and with more than one core. Needs no server."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from stock_mlops.features import feature_names

from bench.features.workers import Measured, Work, largest_difference, measure

TARGET = 10.0
AGREEMENT = 1e-6  # the running sums of pandas leave residues


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.features", description=__doc__)
    parser.add_argument("--tickers", type=int, default=800)
    parser.add_argument("--sessions", type=int, default=3400)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the tickers, for a quick look")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="the most threads to scale to")
    options = parser.parse_args()
    tickers = max(1, round(options.tickers * options.scale))
    print(f"{tickers:,} tickers x {options.sessions:,} sessions = {tickers * options.sessions:,} rows")
    worst, difference = largest_difference(5, options.sessions)
    print(f"{len(feature_names())} features agree: largest relative difference {difference:.1e} ({worst})")
    if difference > AGREEMENT:
        raise SystemExit("the two sides compute different values; their times cannot be compared")
    compare(tickers, options.sessions, without_kernel=True)
    compare(tickers, options.sessions, without_kernel=False)
    one = show("ours, 1 thread", measure(Work("ours", tickers, options.sessions)))
    for threads in range(2, options.threads + 1):
        more = show(f"ours, {threads} threads", measure(Work("ours", tickers, options.sessions, threads)))
        print(f"{threads} threads are {one.seconds / more.seconds:.2f} times as fast as 1")


def compare(tickers: int, sessions: int, *, without_kernel: bool) -> None:
    """Both sides, one thread each. Ours before and after: whether the machine was the same while pandas ran."""
    work = Work("ours", tickers, sessions, without_kernel=without_kernel)
    first = show("ours, 1 thread", measure(work))
    pandas = show("pandas, 1 thread", measure(replace(work, side="pandas")))
    second = show("ours, 1 thread, again", measure(work))
    ratio = pandas.seconds / ((first.seconds + second.seconds) / 2)
    of_cpu = pandas.cpu_seconds / ((first.cpu_seconds + second.cpu_seconds) / 2)
    which = f"all features; target {TARGET:.0f}" if without_kernel else "the features that pandas has kernels for"
    print(f"ours is {ratio:.1f} times as fast ({of_cpu:.1f} times by CPU time): {which}")


def show(what: str, measured: Measured) -> Measured:
    took = f"{measured.seconds:.1f} s = {measured.rate:,.0f} rows/s"
    cpu = f"{measured.cpu_seconds:.1f} s of CPU"
    print(f"{what}: {measured.features} features in {took} ({cpu}), peak {measured.peak_mb:,.0f} MB", flush=True)
    return measured


if __name__ == "__main__":
    main()
