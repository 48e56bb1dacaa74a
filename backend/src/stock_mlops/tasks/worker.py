"""Start a Celery worker: ``python -m stock_mlops.tasks.worker train`` (or ``predict``).

One process takes messages and serves ``/metrics``, ``/health`` and ``/ready``. Training runs in processes forked from
it; a long prediction, short beside that, in its threads. SIGTERM stops at once and gives the running jobs back,
so that another worker takes them within seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
from tempfile import TemporaryDirectory


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="stock_mlops.tasks.worker", description="Run a Celery worker.")
    parser.add_argument("queue", choices=["train", "predict"], help="which jobs to run")
    queue: str = parser.parse_args(arguments).queue
    with TemporaryDirectory(prefix="stock-worker-metrics-") as folder:
        # Both are read when the libraries are imported, hence the import below: samples of the forked processes are
        # added up through files, and SIGTERM means "stop now" instead of "finish an hour of training first".
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        os.environ["REMAP_SIGTERM"] = "SIGQUIT"
        from stock_mlops.tasks.runtime import serve

        sys.exit(serve(queue))


if __name__ == "__main__":
    main()
