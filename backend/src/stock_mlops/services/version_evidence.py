"""What a version's run keeps for people: its card, and how its skill grew over the sessions that it was tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from stock_mlops.forecasting.metrics import cumulative_skill
from stock_mlops.stores.catalog import ModelVersion
from stock_mlops.stores.registry import CARD

if TYPE_CHECKING:
    import polars as pl

# More points than a chart is wide tell nothing more.
_MOST_POINTS = 500


class Runs(Protocol):
    """``stores.mlflow_rest.MlflowRest``, or a folder in a test."""

    def run(self, run_id: str) -> dict[str, Any]: ...

    def content(self, artifact_uri: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class SkillCurve:
    """Share of the random walk's squared error that a model saved by each session; rising is better."""

    horizon: int
    sessions: Sequence[date]
    gained: Sequence[float]


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
        return self._file(version, CARD).decode()

    def skill_curves(self, version: ModelVersion) -> list[SkillCurve]:
        """Of each horizon, over the forecasts of rows that were not trained on; the mean over a panel's members."""
        import polars as pl

        with TemporaryDirectory(prefix="stock-evidence-") as folder:
            file = Path(folder) / "out_of_fold.parquet"
            file.write_bytes(self._file(version, f"evaluation/{file.name}"))
            forecasts = pl.read_parquet(file, columns=["session", "horizon", "y", "y_hat"]).sort("session")
        return [_curve(horizon, forecasts.filter(horizon=horizon)) for horizon in sorted(set(forecasts["horizon"]))]

    def _file(self, version: ModelVersion, path: str) -> bytes:
        uri: str = self._runs.run(version.run_id)["info"]["artifact_uri"]
        return self._runs.content(f"{uri}/{path}")


def _curve(horizon: int, forecasts: pl.DataFrame) -> SkillCurve:
    y, y_hat = forecasts.select("y", "y_hat").to_numpy().T
    gained = cumulative_skill(y, y_hat)
    sessions = forecasts["session"].to_numpy()
    # Of a panel's rows of one session the last one says how it ended.
    ends = np.append(np.flatnonzero(sessions[1:] != sessions[:-1]), len(sessions) - 1)
    shown = ends[np.unique(np.linspace(0, len(ends) - 1, _MOST_POINTS).round().astype(int))]
    return SkillCurve(
        horizon,
        [day.astype("datetime64[D]").item() for day in sessions[shown]],
        [float(item) for item in gained[shown]],
    )
