"""What is timed, each in a process of its own: nobody inherits another's memory, threads or caches."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Literal

import numpy as np
import polars as pl
from stock_mlops.features import compute_features, feature_names

from bench.etl.synthetic import frames

EXCHANGE = "US"
# As many rows as an ingest takes through its stages at once. pandas is faster in larger batches, up to these.
OURS_AT_ONCE, PANDAS_AT_ONCE = 30, 100


@dataclass(frozen=True)
class Work:
    """One measurement."""

    side: Literal["ours", "pandas"]
    tickers: int
    sessions: int
    threads: int = 1
    without_kernel: bool = True
    """Also the features that pandas has no kernel for."""


@dataclass(frozen=True)
class Measured:
    rows: int
    features: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    """Of the whole process, the prices included."""

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def kernel_features() -> list[str]:
    """The features that pandas has kernels for."""
    from bench.features.pandas_features import WITHOUT_KERNEL

    return [name for name in feature_names() if not name.startswith(WITHOUT_KERNEL)]


def measure(work: Work) -> Measured:
    """Run ``work`` in a process with so many threads."""
    threads = {name: str(work.threads) for name in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-m", "bench.features.workers", json.dumps(asdict(work))],
        env={**os.environ, **threads},
        stdout=subprocess.PIPE,
        check=True,
    )
    return Measured(**json.loads(done.stdout))


def prices(work: Work) -> Iterator[pl.DataFrame]:
    for frame in frames(work.tickers, work.sessions, np.random.default_rng(1), at_once=_at_once(work)):
        yield frame.rename({"date": "session"}).with_columns(exchange=pl.lit(EXCHANGE))


def _at_once(work: Work) -> int:
    return PANDAS_AT_ONCE if work.side == "pandas" else OURS_AT_ONCE


def _ours(names: list[str]) -> Callable[[pl.DataFrame], None]:
    def compute(frame: pl.DataFrame) -> None:
        compute_features(frame, names)

    return compute


def _pandas(batches: list[pl.DataFrame], *, without_kernel: bool) -> tuple[Callable[[int], None], int]:
    from bench.features.pandas_features import compute

    ready = [frame.drop("exchange").to_pandas() for frame in batches]

    def batch(number: int) -> None:
        compute(ready[number], without_kernel=without_kernel)

    return batch, len(compute(ready[0].head(300), without_kernel=without_kernel))


def run(work: Work) -> Measured:
    """Do ``work`` in this process. Making the prices, imports and a first small batch are not timed."""
    batches = list(prices(work))
    if work.side == "pandas":
        one, features = _pandas(batches, without_kernel=work.without_kernel)
    else:
        names = list(feature_names()) if work.without_kernel else kernel_features()
        compute = _ours(names)
        compute(batches[0].head(300))
        one, features = (lambda number: compute(batches[number])), len(names)
    started, cpu = perf_counter(), process_time()
    if work.threads == 1:
        for number in range(len(batches)):
            one(number)
    else:
        with ThreadPoolExecutor(work.threads) as pool:
            list(pool.map(one, range(len(batches))))
    return Measured(
        rows=work.tickers * work.sessions,
        features=features,
        seconds=perf_counter() - started,
        cpu_seconds=process_time() - cpu,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def largest_difference(tickers: int, sessions: int) -> tuple[str, float]:
    """The feature in which the two differ most, relative to its largest value; infinite where only one has a value."""
    from bench.features.pandas_features import compute

    frame = pl.concat(prices(Work("pandas", tickers, sessions)))
    theirs = compute(frame.drop("exchange").to_pandas())
    ours = compute_features(frame)
    if set(theirs) != set(feature_names()):
        raise SystemExit(f"the two sides compute different features: {set(theirs) ^ set(feature_names())}")
    differences = {}
    for name, values in theirs.items():
        known = ours[name].fill_null(np.nan).to_numpy()
        same = np.array_equal(np.isnan(known), np.isnan(values))
        largest = float(np.nanmax(np.abs(known - values)) / np.nanmax(np.abs(known)))
        differences[name] = largest if same else float("inf")
    worst = max(differences, key=lambda name: differences[name])
    return worst, differences[worst]


if __name__ == "__main__":
    print(json.dumps(asdict(run(Work(**json.loads(sys.argv[1]))))))
