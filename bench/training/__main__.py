"""``python -m bench.training``: needs no server."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any
from unittest import mock

import numpy as np
from stock_mlops.forecasting import trainer
from stock_mlops.forecasting.dataset import Dataset, build_dataset
from stock_mlops.forecasting.estimators import Estimator, registry
from stock_mlops.forecasting.evaluation import rows_of, splits
from stock_mlops.forecasting.spec import ModelSpec, parse_spec
from threadpoolctl import threadpool_limits

from bench.training.history import training_frame

MODEL_TYPES = ("ridge", "lightgbm", "random_forest")
TARGET = 0.15


@dataclass
class Clock:
    """Seconds spent in the calls that went through it, by the wall and by the processor."""

    wall: float = 0.0
    cpu: float = 0.0
    function: Callable[..., Any] = field(default=lambda: None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        wall, cpu = perf_counter(), process_time()
        try:
            return self.function(*args, **kwargs)
        finally:
            self.wall += perf_counter() - wall
            self.cpu += process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.training", description=__doc__)
    parser.add_argument("--sessions", type=int, default=3_250)
    parser.add_argument("--horizon", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5, help="of each, in turn; the median is told")
    parser.add_argument("--models", nargs="+", default=MODEL_TYPES)
    options = parser.parse_args()
    frame = training_frame(options.sessions)
    print(f"{options.sessions:,} sessions, horizons 1 to {options.horizon}, 5 folds; CPU seconds, median of"
          f" {options.rounds} rounds")  # fmt: skip
    print("| model | features | fits | bare fits | training | added | target | learning curve and importance |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for model_type in options.models:
        spec = parse_spec({"ticker": "BENCH", "model_type": model_type, "horizon": options.horizon})
        dataset = build_dataset(spec, frame)
        _bare_fits(spec, dataset)  # imports, and caches that both profit from
        rounds = []
        for _ in range(options.rounds):
            bare = Clock(function=_bare_fits)
            bare(spec, dataset)
            extra = Clock(function=trainer.diagnose)
            whole = Clock(function=trainer.train)
            with mock.patch.object(trainer, "diagnose", extra):
                whole(spec, frame, data_version="bench", feature_version="bench")
            rounds.append((bare.cpu, whole.cpu - extra.cpu, extra.cpu))
        fits, training, diagnosis = np.median(rounds, axis=0)
        added = float(np.median([(mine - theirs) / theirs for theirs, mine, _ in rounds]))
        print(
            f"| {model_type} | {len(spec.features)} | {options.horizon * 6} | {fits:.2f} | {training:.2f} |"
            f" {added:+.1%} | {TARGET:+.0%} | {diagnosis:.2f} |",
            flush=True,
        )


def _bare_fits(spec: ModelSpec, dataset: Dataset) -> None:
    """The fits of a training and nothing else: every window and all rows, per horizon."""
    _new(spec, 1).prepare()
    with threadpool_limits(limits=1):
        for horizon in range(1, spec.horizon + 1):
            windows = [rows_of(dataset, horizon, fold)[0] for fold in splits(spec, dataset, horizon)]
            for rows in [*windows, dataset.known(horizon)]:
                _new(spec, horizon).fit(dataset.x[rows], dataset.y[rows, horizon - 1], dataset.t[rows])


def _new(spec: ModelSpec, horizon: int) -> Estimator:
    estimator = registry()[spec.model_type]
    return estimator(estimator.Params(**spec.params), spec.seed, "regression", horizon)


if __name__ == "__main__":
    main()
