"""A trained model as it is saved and served: engine, intervals, and what is needed to check its inputs.

A bundle is a folder: ``bundle.json``, ``intervals.npz``, ``reference.npz`` and the engine's files; nothing in it is
pickled. Loading a linear one takes numpy alone.
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
from stock_mlops.forecasting.engine import Engine, EstimatorEngine, LinearEngine, serving_engine
from stock_mlops.forecasting.estimators.base import Floats, Task
from stock_mlops.forecasting.intervals import LEVEL, LEVELS, Intervals
from stock_mlops.forecasting.reference import Reference

FORMAT = 2
# Made-up rows on which a faster engine has to answer as the estimators do.
_CHECKED_ROWS = 64
_SHOWN = LEVELS.index(LEVEL)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The log return from the last close to the close ``horizon`` sessions later, with intervals of stated coverage."""

    horizon: int
    predicted_return: float
    half_widths: Sequence[float]
    """Of the intervals around the predicted return, at each of ``intervals.LEVELS``."""
    probability_up: float
    inputs: Sequence[float]
    """What the model was given, in the order of its features."""
    out_of_range: Sequence[str]
    """Features whose value lies beyond everything the model was trained on."""

    @property
    def half_width(self) -> float:
        """Of the interval at ``intervals.LEVEL``."""
        return self.half_widths[_SHOWN]


@dataclass(frozen=True, slots=True)
class BulkForecast:
    """Forecasts for many rows at one horizon."""

    horizon: int
    predicted_return: Floats
    """(rows,)"""
    half_widths: Floats
    """(levels,): of the intervals around each, at each of ``intervals.LEVELS``."""
    probability_up: Floats
    """(rows,)"""


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


@dataclass(frozen=True, slots=True)
class _Inputs:
    """A vector as the model takes it."""

    source: Mapping[str, float | None] | Floats
    row: Floats
    """(1, features)"""
    values: Sequence[float]
    outside: Sequence[str]
    """Features beyond everything the model was trained on."""


class ForecastBundle:
    """A fitted model ready to answer. Thread-safe."""

    def __init__(
        self,
        info: BundleInfo,
        engine: Engine,
        intervals: Intervals,
        reference: Reference,
        readouts: Sequence[DirectionReadout] | None = None,
    ) -> None:
        self.info = info
        self.engine = engine
        self.intervals = intervals
        self.reference = reference
        self._readouts = readouts
        """Of the direction task: how each horizon's raw probability is read."""
        self._known: _Inputs | None = None

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

    def predict(
        self, values: Mapping[str, float | None] | Floats, horizon: int = 1, intervals: Intervals | None = None
    ) -> Forecast:
        """The forecast ``horizon`` sessions ahead.

        Args:
            values: features by name, or (features,) in the order of :attr:`features`.
            intervals: as adapted to the instrument; None: as validation found them.

        Raises:
            UnusableVectorError: a feature is missing or not finite.
            HorizonError: the model was not trained for this horizon.
        """
        return self._forecasts(values, (horizon,), intervals)[0]

    def predict_path(
        self, values: Mapping[str, float | None] | Floats, days: int, intervals: Intervals | None = None
    ) -> list[Forecast]:
        """Forecasts for 1, 2, ..., ``days`` sessions ahead; errors as :meth:`predict`."""
        return self._forecasts(values, range(1, days + 1), intervals)

    def predict_many(self, x: Floats, horizon: int = 1) -> BulkForecast:
        """Forecasts ``horizon`` sessions ahead for many instruments at once, from their features (rows, features).

        Raises:
            UnusableVectorError: a row has a value that is not finite; its position is named.
            HorizonError: the model was not trained for this horizon.
        """
        self._check_horizons((horizon,))
        unusable = np.flatnonzero(~np.isfinite(x).all(axis=1))
        if len(unusable):
            raise UnusableVectorError(
                f"{self.info.registered_model}: expected finite features in every row, got {len(unusable)} rows"
                f" without, the first at position {unusable[0]}; leave them out"
            )
        raw = self.engine.predict(x, (horizon,))[:, 0]
        if self._readouts is None:
            predicted, probability = raw, self.intervals.probabilities_up(horizon, raw)
        else:
            readout = self._readouts[horizon - 1]
            probability = readout.probability(raw)
            predicted = readout.expected_return(probability)
        return BulkForecast(horizon, predicted, np.array(self.intervals.half_widths(horizon)), probability)

    def forecast_many(self, x: Floats, horizon: int, intervals: Sequence[Intervals | None]) -> list[Forecast]:
        """As :meth:`predict` for each row of ``x`` (rows, features), with intervals of its own; one call of the engine.

        Raises:
            UnusableVectorError, HorizonError: see :meth:`predict_many`.
        """
        many = self.predict_many(x, horizon)
        forecasts = []
        numbers = (
            x.tolist(),
            self.reference.outside_many(x),
            many.predicted_return.tolist(),
            many.probability_up.tolist(),
        )
        for row, beyond, predicted, probability, own in zip(*numbers, intervals, strict=True):
            adapted = own or self.intervals
            # Read by the instrument's own errors; a classifier's comes from its calibration.
            up = adapted.probability_up(horizon, predicted) if self._readouts is None else probability
            outside = [self.features[position] for position in beyond]
            forecasts.append(Forecast(horizon, predicted, adapted.half_widths(horizon), up, row, outside))
        return forecasts

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
            # NumPy reads None as NaN.
            vector = np.array([*map(values.get, self.features)], dtype=np.float64)
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

    def _forecasts(
        self, values: Mapping[str, float | None] | Floats, horizons: Sequence[int], intervals: Intervals | None
    ) -> list[Forecast]:
        self._check_horizons(horizons)
        inputs = self._inputs(values)
        raw = self.engine.predict(inputs.row, horizons)[0].tolist()
        intervals = intervals or self.intervals
        forecasts = []
        for horizon, output in zip(horizons, raw, strict=True):
            predicted, probability_up = self._read(horizon, output, intervals)
            widths = intervals.half_widths(horizon)
            forecasts.append(Forecast(horizon, predicted, widths, probability_up, inputs.values, inputs.outside))
        return forecasts

    def _inputs(self, values: Mapping[str, float | None] | Floats) -> _Inputs:
        """Made once for a vector that is asked about again and again: the same object, which nobody changes."""
        known = self._known
        if known is None or known.source is not values or isinstance(values, np.ndarray):
            vector = self.vector(values)
            outside = [self.features[position] for position in self.reference.outside(vector)]
            known = self._known = _Inputs(values, vector[np.newaxis], vector.tolist(), outside)
        return known

    def _check_horizons(self, horizons: Sequence[int]) -> None:
        if not horizons or min(horizons) < 1 or max(horizons) > self.horizon:
            raise HorizonError(
                f"expected a horizon from 1 to {self.horizon} sessions, which {self.info.registered_model} was trained"
                f" for, got {max(horizons, default=0)}; train one with a longer horizon",
                self.horizon,
            )

    def _read(self, horizon: int, raw: float, intervals: Intervals) -> tuple[float, float]:
        """The log return and the probability of a rise that an engine's output stands for."""
        if self._readouts is None:
            return raw, intervals.probability_up(horizon, raw)
        readout = self._readouts[horizon - 1]
        probability = readout.probability(np.array(raw))
        return float(readout.expected_return(probability)), float(probability)

    def save(self, folder: Path) -> None:
        """Write the bundle, as it was trained, into ``folder``, made when missing.

        Raises:
            TypeError: it was loaded, and serves by an engine made of what its own folder holds: copy that.
        """
        if not isinstance(self.engine, LinearEngine | EstimatorEngine):
            raise TypeError(f"expected a bundle as it was trained, got one that serves by {self.engine.kind}")
        folder.mkdir(parents=True, exist_ok=True)
        description = {"format": FORMAT, "engine": self.engine.kind, "info": asdict(self.info)}
        (folder / "bundle.json").write_bytes(orjson.dumps(description, option=orjson.OPT_INDENT_2))
        self.intervals.save(folder / "intervals.npz")
        self.reference.save(folder / "reference.npz")
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
        reference = Reference.load(folder / "reference.npz")
        engine: Engine
        if description["engine"] == LinearEngine.kind:
            engine = LinearEngine.load(folder, info.task)
        else:
            plain = EstimatorEngine.load(folder, info.model_type, info.params, info.seed, info.task, info.horizon)
            engine = serving_engine(plain, reference.sample(_CHECKED_ROWS))
        readouts = load_readouts(folder / "direction.npz") if info.task == "direction" else None
        intervals = Intervals.load(folder / "intervals.npz")
        return cls(info, engine, intervals, reference, readouts)


def _info(values: dict[str, Any]) -> BundleInfo:
    known = {field.name: values[field.name] for field in fields(BundleInfo)}
    for name in ("features", "tickers"):
        known[name] = tuple(known[name])
    for name in ("trained_from", "trained_until"):
        known[name] = date.fromisoformat(known[name])
    return BundleInfo(**known)
