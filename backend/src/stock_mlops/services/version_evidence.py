"""What a version's run keeps for people: its card, and how it did over the sessions that it was tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.intervals import LEVEL
from stock_mlops.forecasting.metrics import cumulative_skill
from stock_mlops.forecasting.reliability import ReliabilityBin, interval_hits, reliability, rolling_mean
from stock_mlops.stores.catalog import ModelVersion
from stock_mlops.stores.registry import CARD

if TYPE_CHECKING:
    import polars as pl

# More points than a chart is wide tell nothing more.
_MOST_POINTS = 500
# Sessions over which coverage is averaged: about a year, in which a level of 0.9 is known to within two per cent.
_COVERAGE_WINDOW = 250
# A scheme whose windows are judged by what came after them as well.
_NOT_FORWARD = "purged_kfold"


class Runs(Protocol):
    """``stores.mlflow_rest.MlflowRest``, or a folder in a test."""

    def run(self, run_id: str) -> dict[str, Any]: ...

    def content(self, artifact_uri: str) -> bytes: ...

    def metric_history(self, run_id: str, metric: str) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class SkillCurve:
    """Share of the random walk's squared error that a model saved by each session; rising is better."""

    horizon: int
    sessions: Sequence[date]
    gained: Sequence[float]


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """Stated chances of a rise against how often it came."""

    horizon: int
    bins: Sequence[ReliabilityBin]


@dataclass(frozen=True, slots=True)
class CoverageCurve:
    """Share of returns inside their intervals over the ``window`` sessions up to each."""

    horizon: int
    level: float
    """What was stated."""
    window: int
    sessions: Sequence[date]
    covered: Sequence[float]


@dataclass(frozen=True, slots=True)
class VersionCurves:
    """Of each horizon, over the forecasts of rows that were not trained on."""

    skill: Sequence[SkillCurve]
    calibration: Sequence[CalibrationCurve]
    coverage: Sequence[CoverageCurve]


@dataclass(frozen=True, slots=True)
class FitHistory:
    """How a horizon's final fit went, by iteration (epoch, tree); empty where the model is not fitted by iterations."""

    horizon: int
    train_loss: Sequence[float]
    validation_loss: Sequence[float]
    """Empty when the fit held nothing out."""
    gradient_norm: Sequence[float]


class VersionEvidence:
    """
    Raises:
        NotFoundError: any method, when MLflow has lost the run.
        DependencyUnavailableError: any method, when MLflow does not answer.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def card(self, version: ModelVersion) -> str:
        """The model card, Markdown."""
        return self._file(self._runs.run(version.run_id), CARD).decode()

    def curves(self, version: ModelVersion) -> VersionCurves:
        """Of a panel's rows of one session the mean counts."""
        import polars as pl

        run = self._runs.run(version.run_id)
        with TemporaryDirectory(prefix="stock-evidence-") as folder:
            file = Path(folder) / "out_of_fold.parquet"
            file.write_bytes(self._file(run, f"evaluation/{file.name}"))
            columns = ["session", "horizon", "y", "y_hat", "probability_up", "fold"]
            forecasts = pl.read_parquet(file, columns=columns).sort("session")
        params = {item["key"]: item["value"] for item in run["data"].get("params", ())}
        forward = params.get("validation.scheme") != _NOT_FORWARD
        parts = [(horizon, forecasts.filter(horizon=horizon)) for horizon in sorted(set(forecasts["horizon"]))]
        return VersionCurves(
            [_skill_curve(horizon, rows) for horizon, rows in parts],
            [_calibration_curve(horizon, rows) for horizon, rows in parts],
            [_coverage_curve(horizon, rows, forward=forward) for horizon, rows in parts],
        )

    def fit(self, version: ModelVersion, horizon: int) -> FitHistory:
        """
        Raises:
            NotFoundError: the version forecasts no such horizon, too.
        """
        if not 1 <= horizon <= version.horizon:
            raise NotFoundError(
                f"{version.registered_name} version {version.version} has no horizon {horizon}; expected 1 to"
                f" {version.horizon}"
            )
        logged = {item["key"] for item in self._runs.run(version.run_id)["data"].get("metrics", ())}
        names = [f"{name}_h{horizon}" for name in ("train_loss", "validation_loss", "gradient_norm")]
        series = [self._runs.metric_history(version.run_id, name) if name in logged else [] for name in names]
        return FitHistory(horizon, *series)

    def _file(self, run: Mapping[str, Any], path: str) -> bytes:
        return self._runs.content(f"{run['info']['artifact_uri']}/{path}")


def _skill_curve(horizon: int, forecasts: pl.DataFrame) -> SkillCurve:
    y, y_hat = forecasts.select("y", "y_hat").to_numpy().T
    gained = cumulative_skill(y, y_hat)
    sessions = forecasts["session"].to_numpy()
    # Of a panel's rows of one session the last one says how it ended.
    ends = np.append(np.flatnonzero(sessions[1:] != sessions[:-1]), len(sessions) - 1)
    shown = ends[_shown(len(ends))]
    return SkillCurve(horizon, _days(sessions[shown]), gained[shown].tolist())


def _calibration_curve(horizon: int, forecasts: pl.DataFrame) -> CalibrationCurve:
    y, chance = forecasts.select("y", "probability_up").to_numpy().T
    return CalibrationCurve(horizon, reliability(y, chance))


def _coverage_curve(horizon: int, forecasts: pl.DataFrame, *, forward: bool) -> CoverageCurve:
    y, y_hat = forecasts.select("y", "y_hat").to_numpy().T
    hits = interval_hits(y, y_hat, forecasts["fold"].to_numpy(), forward=forward)
    judged = np.isfinite(hits)
    sessions, place = np.unique(forecasts["session"].to_numpy()[judged], return_inverse=True)
    covered = rolling_mean(np.bincount(place, hits[judged]) / np.bincount(place), _COVERAGE_WINDOW)
    shown = _shown(len(covered))
    ends = sessions[len(sessions) - len(covered) :]
    return CoverageCurve(horizon, LEVEL, _COVERAGE_WINDOW, _days(ends[shown]), covered[shown].tolist())


def _shown(points: int) -> NDArray[np.int64]:
    """Which of so many points a chart gets: evenly spaced ones, the first and the last among them."""
    return np.unique(np.linspace(0, points - 1, min(points, _MOST_POINTS)).round().astype(np.int64))


def _days(sessions: NDArray[np.datetime64]) -> list[date]:
    return [day.astype("datetime64[D]").item() for day in sessions]
