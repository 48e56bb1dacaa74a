"""What a training leaves in MLflow: the run's parameters, metrics and tags, and what its evaluation rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from stock_mlops.forecasting.search import winner
from stock_mlops.forecasting.spec import ModelSpec
from stock_mlops.forecasting.trainer import TrainingResult
from stock_mlops.stores.catalog import ModelDefinition
from stock_mlops.stores.registry import RunRecord

if TYPE_CHECKING:
    import polars as pl

OUT_OF_FOLD = "out_of_fold.parquet"


@dataclass(frozen=True, slots=True)
class Order:
    """What a training was asked for, beside its definition."""

    job_id: UUID | None = None
    retraining: UUID | None = None
    """Whose challenger it trains."""
    search_trials: int | None = None
    """Parameters are to be searched for in as many trials; None: as the definition says."""


def run_record(definition: ModelDefinition, spec: ModelSpec, result: TrainingResult, order: Order) -> RunRecord:
    return RunRecord(
        name=f"{spec.model_type} h{spec.horizon}",
        params=_params(spec, result),
        metrics=_run_metrics(result),
        tags=_tags(definition, result, order),
        series=_series(result),
        children=_trial_runs(result),
    )


def _params(spec: ModelSpec, result: TrainingResult) -> dict[str, object]:
    return {
        "model_type": spec.model_type,
        "task": spec.task,
        "tickers": ",".join(instrument.ticker for instrument in spec.instruments),
        "horizon": spec.horizon,
        "features": ",".join(spec.features),
        "feature_count": len(spec.features),
        "start": spec.start or "",
        "end": spec.end or "",
        "seed": spec.seed,
        **{f"validation.{name}": value for name, value in spec.validation.model_dump().items()},
        "trials": result.trials,
        **{f"params.{name}": value for name, value in result.bundle.info.params.items()},
    }


def _run_metrics(result: TrainingResult) -> dict[str, float]:
    """Every number of every horizon as ``<metric>_h<horizon>``; undefined ones are left out."""
    metrics: dict[str, float] = {"rows": float(result.rows)}
    for item in result.horizons:
        values: dict[str, Any] = item.to_dict()
        for name, value in values.items():
            if name != "horizon" and isinstance(value, int | float):
                metrics[f"{name}_h{item.horizon}"] = float(value)
        metrics[f"train_rmse_h{item.horizon}"] = sum(fold.train_rmse for fold in item.folds) / len(item.folds)
    for who, found in result.backtests:
        ticker = f"_{who.ticker}" if len(result.dataset.members) > 1 else ""
        for name, value in found.to_dict()["strategy"].items():
            if isinstance(value, int | float):
                metrics[f"backtest_{name}_h{found.horizon}{ticker}"] = float(value)
    for feature in result.diagnosis.importance:
        metrics[f"importance_{feature.feature}"] = feature.mean
    return metrics


def _series(result: TrainingResult) -> dict[str, Sequence[float]]:
    """Metrics with one value per iteration of the final fits, and the learning curve with one per length."""
    series: dict[str, Sequence[float]] = {}
    for horizon, history in enumerate(result.histories, start=1):
        for name, values in asdict(history).items():
            if values:
                series[f"{name}_h{horizon}"] = values
    curve = result.diagnosis.learning_curve
    series["learning_curve_train_rmse"] = [point.train_rmse for point in curve]
    series["learning_curve_validation_rmse"] = [point.validation_rmse for point in curve]
    return series


def _trial_runs(result: TrainingResult) -> list[RunRecord]:
    if result.search is None:
        return []
    return [
        RunRecord(
            name=f"trial {trial.number + 1}",
            params={f"params.{name}": value for name, value in trial.params.items()},
            metrics={"loss": trial.loss, "seconds": trial.seconds},
            tags={"trial": str(trial.number)},
        )
        for trial in result.search.trials
    ]


def out_of_fold(result: TrainingResult) -> pl.DataFrame:
    """Forecasts of rows that were not trained on: ticker, session, horizon, y, y_hat, probability_up, fold."""
    import polars as pl

    dataset = result.dataset
    tickers = np.array([member.ticker for member in dataset.members])
    return pl.concat(
        pl.DataFrame(
            {
                "ticker": tickers[dataset.member[item.oof.rows]],
                "session": item.oof.sessions,
                "horizon": np.full(len(item.oof.y), item.horizon),
                "y": item.oof.y,
                "y_hat": item.oof.y_hat,
                "probability_up": item.oof.probability,
                "fold": item.oof.fold,
            },
            nan_to_null=True,
        )
        for item in result.horizons
    )


def write_evaluation(result: TrainingResult, folder: Path) -> None:
    """Write :func:`out_of_fold` and ``prices.parquet`` (ticker, session, open, close; adjusted): what a backtest with
    other costs needs, and a later version to be compared with."""
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    dataset = result.dataset
    tickers = np.array([member.ticker for member in dataset.members])
    out_of_fold(result).write_parquet(folder / OUT_OF_FOLD)
    pl.DataFrame(
        {
            "ticker": tickers[dataset.member],
            "session": dataset.sessions[dataset.t],
            "open": dataset.open,
            "close": dataset.close,
        },
        nan_to_null=True,
    ).write_parquet(folder / "prices.parquet")


def _tags(definition: ModelDefinition, result: TrainingResult, order: Order) -> dict[str, str]:
    info = result.bundle.info
    return {
        "exchange": info.exchange,
        "tickers": ",".join(info.tickers),
        "task": info.task,
        "model_id": str(definition.id),
        "job_id": _text(order.job_id),
        "retraining": _text(order.retraining),
        "challenger": "" if order.retraining is None else "same" if order.search_trials is None else "search",
        "search": "" if result.search is None else winner(result.search.to_dict()),
        "spec_hash": info.spec_hash,
        "data_version": info.data_version,
        "feature_version": info.feature_version,
        "seed": str(info.seed),
        "trained_from": info.trained_from.isoformat(),
        "trained_until": info.trained_until.isoformat(),
    }


def _text(value: UUID | None) -> str:
    return "" if value is None else str(value)
