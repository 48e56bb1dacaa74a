"""``python -m bench.inference``: needs no server."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.engine import EstimatorEngine
from stock_mlops.forecasting.spec import parse_spec
from stock_mlops.forecasting.trainer import train
from threadpoolctl import threadpool_limits

from bench.training.history import training_frame

# Model type, parameters, and how long one prediction may take, in microseconds.
CASES: tuple[tuple[str, dict[str, Any], float], ...] = (
    ("ridge", {"alpha": 1000.0}, 100),
    ("lightgbm", {"n_estimators": 200, "patience": None}, 400),
    ("hist_gradient_boosting", {"max_iter": 200, "patience": None}, 400),
    ("random_forest", {"n_estimators": 200}, 400),
)
_HEADING = (
    "| model | engine | estimator's own | engine | faster | forecast | target | path of 20 | bulk of 1,000"
    " | faster than single |"
)
_HORIZON = 20
_BULK = 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.inference", description=__doc__)
    parser.add_argument("--sessions", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    frame = training_frame(options.sessions)
    print(_HEADING)
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for model_type, params, target in CASES:
        print(_measured(model_type, params, target, frame, options.repeats), flush=True)


def _measured(model_type: str, params: dict[str, Any], target: float, frame: Any, repeats: int) -> str:
    """One row of the table."""
    bundle, plain = _served(model_type, params, frame)
    rows = frame.select(bundle.features).drop_nulls().to_numpy()
    values = dict(zip(bundle.features, rows[-1].tolist(), strict=True))
    row, bulk = rows[-1:], np.resize(rows, (_BULK, rows.shape[1]))
    few = max(5, repeats // 20)
    own = _microseconds(lambda: plain.predict(row, (1,)), few)
    engine = _microseconds(lambda: bundle.engine.predict(row, (1,)), repeats)
    single = _microseconds(lambda: bundle.predict(values), repeats)
    path = _microseconds(lambda: bundle.predict_path(values, _HORIZON), few)
    many = _microseconds(lambda: bundle.predict_many(bulk), few)
    return (
        f"| {model_type} | {bundle.engine.kind} | {own:,.0f} us | {engine:,.0f} us | {own / engine:,.0f}x |"
        f" {single:,.0f} us | {target:,.0f} us | {path:,.0f} us | {many / 1000:,.1f} ms |"
        f" {single * _BULK / many:,.0f}x |"
    )


def _served(model_type: str, params: dict[str, Any], frame: Any) -> tuple[ForecastBundle, EstimatorEngine]:
    """The bundle as a service loads it, and the estimators that it was made of."""
    spec = parse_spec(
        {
            "ticker": "BENCH",
            "model_type": model_type,
            "horizon": _HORIZON,
            "params": params,
            "validation": {"folds": 2},
        }
    )
    with TemporaryDirectory() as temporary, threadpool_limits(limits=1):
        folder = Path(temporary)
        trained = train(spec, frame, data_version="bench", feature_version="bench").bundle
        trained.save(folder)
        bundle = ForecastBundle.load(folder)
        if isinstance(trained.engine, EstimatorEngine):
            return bundle, trained.engine
        return bundle, EstimatorEngine(_fitted(spec, frame))


def _fitted(spec: Any, frame: Any) -> list[Any]:
    """Of a linear model the first horizon's estimator, whose bundle holds coefficients only."""
    from stock_mlops.forecasting.dataset import build_dataset
    from stock_mlops.forecasting.estimators import registry

    dataset = build_dataset(spec, frame)
    rows = dataset.known(1)
    estimator = registry()[spec.model_type]
    return [estimator(estimator.Params(**spec.params), spec.seed).fit(dataset.x[rows], dataset.y[rows, 0])]


def _microseconds(work: Callable[[], object], repeats: int) -> float:
    """The fastest of many: what else runs on the machine only ever adds."""
    work()
    best = float("inf")
    for _ in range(repeats):
        started = perf_counter()
        work()
        best = min(best, perf_counter() - started)
    return best * 1e6


if __name__ == "__main__":
    main()
