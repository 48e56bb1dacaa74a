"""A trained model as it is saved and served: engine, intervals, and what is needed to check its inputs.

A bundle is a folder: ``bundle.json``, ``intervals.npz`` and the engine's files; nothing in it is pickled. Loading a
linear one takes numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from stock_mlops.errors import HorizonError, UnusableVectorError
from stock_mlops.forecasting.direction import DirectionReadout, load_readouts, save_readouts
from stock_mlops.forecasting.engine import Engine, EstimatorEngine, LinearEngine
from stock_mlops.forecasting.estimators.base import Floats, Task
from stock_mlops.forecasting.intervals import Intervals

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Forecast:
    """Log returns from the last close to the close ``horizon`` sessions later, with an interval of stated coverage."""

    horizon: int
    predicted_return: float
    lower_return: float
    upper_return: float
    level: float
    probability_up: float


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """Where a model comes from, and what it expects."""

    exchange: str
    registered_model: str
    tickers: tuple[str, ...]
    """One, or the members of a panel."""
    model_type: str
    task: Task
    features: tuple[str, ...]
    horizon: int
    params: Mapping[str, Any]
    seed: int
    spec_hash: str
    feature_version: str
    data_version: str
    trained_from: date
    trained_until: date
    """The last session whose features the model was fitted on."""


class ForecastBundle:
    """A fitted model ready to answer. Thread-safe."""

    def __init__(
        self,
        info: BundleInfo,
        engine: Engine,
        intervals: Intervals,
        readouts: Sequence[DirectionReadout] | None = None,
    ) -> None:
        self.info = info
        self.engine = engine
        self.intervals = intervals
        self._readouts = readouts
        """Of the direction task: how each horizon's raw probability is read."""

    @property
    def features(self) -> tuple[str, ...]:
        return self.info.features

    @property
    def horizon(self) -> int:
        return self.info.horizon

    @property
    def model_type(self) -> str:
        return self.info.model_type

    @property
    def feature_version(self) -> str:
        return self.info.feature_version

    def predict(self, values: Mapping[str, float | None] | Floats, horizon: int = 1) -> Forecast:
        """The forecast ``horizon`` sessions ahead.

        Args:
            values: features by name, or (features,) in the order of :attr:`features`.

        Raises:
            UnusableVectorError: a feature is missing or not finite.
            HorizonError: the model was not trained for this horizon.
        """
        return self._forecasts(values, (horizon,))[0]

    def predict_path(self, values: Mapping[str, float | None] | Floats, days: int) -> list[Forecast]:
        """Forecasts for 1, 2, ..., ``days`` sessions ahead; errors as :meth:`predict`."""
        return self._forecasts(values, range(1, days + 1))

    def predict_rows(self, x: Floats) -> Floats:
        """Log returns (rows, horizon) for many rows of raw features (rows, features)."""
        raw = self.engine.predict(x, range(1, self.horizon + 1))
        if self._readouts is None:
            return raw
        columns = zip(self._readouts, raw.T, strict=True)
        return np.column_stack([readout.expected_return(readout.probability(column)) for readout, column in columns])

    def vector(self, values: Mapping[str, float | None] | Floats) -> Floats:
        """The inputs (features,) in the model's order, checked; raises :class:`UnusableVectorError`."""
        if isinstance(values, Mapping):
            found = [values.get(name) for name in self.features]
            vector = np.array([np.nan if value is None else value for value in found], dtype=np.float64)
        else:
            vector = np.asarray(values, dtype=np.float64)
            if vector.shape != (len(self.features),):
                raise UnusableVectorError(f"expected {len(self.features)} features, got the shape {vector.shape}")
        finite = np.isfinite(vector)
        if not finite.all():
            names = [name for name, good in zip(self.features, finite, strict=True) if not good]
            raise UnusableVectorError(
                f"{self.info.registered_model}: no value for {', '.join(names[:5])}"
                f"{' and others' if len(names) > 5 else ''} in its newest session; load its prices again"
                " (stock-mlops etl)"
            )
        return vector

    def _forecasts(self, values: Mapping[str, float | None] | Floats, horizons: Sequence[int]) -> list[Forecast]:
        if not horizons or min(horizons) < 1 or max(horizons) > self.horizon:
            raise HorizonError(
                f"expected a horizon from 1 to {self.horizon} sessions, which {self.info.registered_model} was trained"
                f" for, got {max(horizons, default=0)}; train one with a longer horizon"
            )
        raw = self.engine.predict(self.vector(values)[np.newaxis], horizons)[0]
        return [self._forecast(horizon, value) for horizon, value in zip(horizons, raw.tolist(), strict=True)]

    def _forecast(self, horizon: int, raw: float) -> Forecast:
        if self._readouts is None:
            predicted, probability_up = raw, self.intervals.probability_up(horizon, raw)
        else:
            readout = self._readouts[horizon - 1]
            probability_up = float(readout.probability(np.array(raw)))
            predicted = float(readout.expected_return(np.array(probability_up)))
        half = self.intervals.half_width(horizon)
        return Forecast(
            horizon=horizon,
            predicted_return=predicted,
            lower_return=predicted - half,
            upper_return=predicted + half,
            level=self.intervals.level,
            probability_up=probability_up,
        )

    def save(self, folder: Path) -> None:
        """Write the bundle into ``folder``, made when missing."""
        folder.mkdir(parents=True, exist_ok=True)
        description = {"format": FORMAT, "engine": self.engine.kind, "info": asdict(self.info)}
        (folder / "bundle.json").write_bytes(orjson.dumps(description, option=orjson.OPT_INDENT_2))
        self.intervals.save(folder / "intervals.npz")
        if self._readouts is not None:
            save_readouts(self._readouts, folder / "direction.npz")
        self.engine.save(folder)

    @classmethod
    def load(cls, folder: Path) -> ForecastBundle:
        """Read what :meth:`save` wrote.

        Raises:
            ValueError: the folder was written in a format that this version does not know.
        """
        description = orjson.loads((folder / "bundle.json").read_bytes())
        if description["format"] != FORMAT:
            raise ValueError(f"{folder}: expected bundle format {FORMAT}, got {description['format']}; train again")
        info = _info(description["info"])
        engine: Engine
        if description["engine"] == LinearEngine.kind:
            engine = LinearEngine.load(folder, info.task)
        else:
            engine = EstimatorEngine.load(folder, info.model_type, info.params, info.seed, info.task, info.horizon)
        readouts = load_readouts(folder / "direction.npz") if info.task == "direction" else None
        return cls(info, engine, Intervals.load(folder / "intervals.npz"), readouts)


def _info(values: dict[str, Any]) -> BundleInfo:
    known = {field.name: values[field.name] for field in fields(BundleInfo)}
    for name in ("features", "tickers"):
        known[name] = tuple(known[name])
    for name in ("trained_from", "trained_until"):
        known[name] = date.fromisoformat(known[name])
    return BundleInfo(**known)
