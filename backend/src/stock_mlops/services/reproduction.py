"""Proof that a model can be made again, and a served prediction computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import numpy as np
from stock_kit.events import PredictionEvent
from stock_kit.settings import Settings

from stock_mlops.errors import NotFoundError
from stock_mlops.forecasting.adaptation import AdaptiveState
from stock_mlops.forecasting.bundle import ForecastBundle
from stock_mlops.forecasting.spec import ModelSpec, parse_spec
from stock_mlops.forecasting.trainer import Progress, train
from stock_mlops.instruments import Instrument
from stock_mlops.services.forecast_events import RANDOM_WALK, interval_ends
from stock_mlops.services.provenance import TRAINING_DATA, Provenance, code_version, package_versions
from stock_mlops.stores.catalog import Catalog, Champion
from stock_mlops.stores.clickhouse import get_client
from stock_mlops.stores.interval_states import IntervalStates, StateKey
from stock_mlops.stores.mlflow_rest import MlflowRest
from stock_mlops.stores.model_files import ModelFiles
from stock_mlops.stores.postgres import get_engine
from stock_mlops.stores.predictions import Predictions
from stock_mlops.stores.raw_prices import RawPrices

if TYPE_CHECKING:
    import polars as pl


class Runs(Protocol):
    """``stores.mlflow_rest.MlflowRest``, or a folder in a test."""

    def run(self, run_id: str) -> dict[str, Any]: ...

    def download(self, artifact_uri: str, folder: Path) -> int: ...


class RawHistory(Protocol):
    """``stores.raw_prices.RawPrices``, or frames in a test."""

    def read(self, instrument: Instrument, as_of: datetime | None = None) -> pl.DataFrame: ...


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of training a run's definition again on its data."""

    run_id: str
    spec: ModelSpec
    rows: int
    """Rows of features that both models were asked with."""
    largest_difference: float
    """Of all forecasts; 0 when they are equal bit for bit."""
    identical: bool
    """Forecasts, intervals and probabilities equal bit for bit."""
    differs: tuple[str, ...]
    """What is not as it was at the time: code, features, package versions."""
    rebuilt_difference: float | None
    """Largest relative difference of the features computed from the raw prices as of then; None when those are gone or
    the features were defined otherwise."""


class Reproducer:
    def __init__(self, runs: Runs, raw: RawHistory) -> None:
        self._runs = runs
        self._raw = raw

    def reproduce(self, run_id: str, progress: Progress = lambda _fraction, _stage: None) -> Reproduction:
        """Train the run's definition again on the data that it kept, and compare the two models on every row of them.

        Raises:
            NotFoundError: MLflow does not know the run, or it is no training.
            DependencyUnavailableError: MLflow or PostgreSQL does not answer.
        """
        import polars as pl

        uri = self._runs.run(run_id)["info"]["artifact_uri"]
        with TemporaryDirectory(prefix="stock-reproduce-") as temporary:
            folder = Path(temporary)
            self._runs.download(f"{uri}/evaluation", folder / "evaluation")
            self._runs.download(f"{uri}/model/artifacts/bundle", folder / "bundle")
            provenance = Provenance.read(folder / "evaluation")
            frame = pl.read_parquet(folder / "evaluation" / TRAINING_DATA)
            was = ForecastBundle.load(folder / "bundle")
            spec = parse_spec(provenance.spec)
            trained = train(
                spec,
                frame,
                data_version=provenance.data_version,
                feature_version=provenance.feature_version,
                progress=progress,
            )
            # Through its files, as the other one: what is compared is what would serve.
            trained.bundle.save(folder / "again")
            again = ForecastBundle.load(folder / "again")
        rows = frame.select(was.features).cast(pl.Float64).to_numpy()
        rows = rows[np.isfinite(rows).all(axis=1)]
        before, after = was.predict_rows(rows), again.predict_rows(rows)
        newest = rows[-1]
        return Reproduction(
            run_id=run_id,
            spec=spec,
            rows=len(rows),
            largest_difference=float(np.abs(before - after).max()),
            identical=np.array_equal(before, after)
            and was.predict_path(newest, was.horizon) == again.predict_path(newest, again.horizon),
            differs=_differences(provenance),
            rebuilt_difference=self._rebuild(spec, provenance, frame),
        )

    def _rebuild(self, spec: ModelSpec, provenance: Provenance, frame: pl.DataFrame) -> float | None:
        """Compute the features again from the raw prices as of the training; see :class:`Reproduction`."""
        import polars as pl

        from stock_mlops.features import FEATURE_VERSION, compute_features
        from stock_mlops.prices.adjustment import adjust

        if provenance.feature_version != FEATURE_VERSION:
            return None
        largest = 0.0
        for instrument in spec.instruments:
            raw = self._raw.read(instrument, provenance.data_as_of[instrument.key])
            kept = frame if spec.panel is None else frame.filter(pl.col("ticker") == instrument.ticker)
            if raw.is_empty():
                return None
            rebuilt = compute_features(adjust(raw), spec.features).join(kept.select("session"), on="session")
            both = kept.join(rebuilt.select("session", *spec.features), on="session", suffix="_again").select(
                pl.col(name).fill_null(0.0).alias(name) for name in _pairs(spec.features)
            )
            if both.height != kept.height:
                return None
            was, again = (both.select(names).to_numpy() for names in (spec.features, _again(spec.features)))
            largest = max(largest, float((np.abs(was - again) / np.maximum(np.abs(was), 1.0)).max()))
        return largest


def _again(features: Sequence[str]) -> list[str]:
    return [f"{name}_again" for name in features]


def _pairs(features: Sequence[str]) -> list[str]:
    return [*features, *_again(features)]


def _differences(provenance: Provenance) -> tuple[str, ...]:
    from stock_mlops.features import FEATURE_VERSION

    present = {"code": code_version(), "features": FEATURE_VERSION, **package_versions()}
    recorded = {"code": provenance.code_version, "features": provenance.feature_version, **provenance.packages}
    return tuple(
        f"{name} {recorded.get(name, 'absent')}, now {present.get(name, 'absent')}"
        for name in sorted(present.keys() | recorded.keys())
        if present.get(name) != recorded.get(name)
    )


def open_reproducer(settings: Settings) -> Reproducer:
    """Over the servers of ``settings``."""
    return Reproducer(MlflowRest(settings.mlflow), RawPrices(get_engine(settings.raw_db)))


class StoredPredictions(Protocol):
    """``stores.predictions.Predictions``, or a list in a test."""

    def one(self, prediction_id: UUID) -> PredictionEvent | None: ...


class StoredStates(Protocol):
    def newest(self, key: StateKey, until: date | None = None) -> AdaptiveState | None: ...


@dataclass(frozen=True, slots=True)
class ReplayedValue:
    """One number of a prediction, as it was served and as it is computed again."""

    name: str
    served: float | None
    computed: float | None

    @property
    def equal(self) -> bool:
        return self.served == self.computed


@dataclass(frozen=True, slots=True)
class ReplayedPrediction:
    event: PredictionEvent
    values: tuple[ReplayedValue, ...]

    @property
    def identical(self) -> bool:
        return all(value.equal for value in self.values)


class Replayer:
    """Computes served predictions again from what was stored with them."""

    def __init__(
        self,
        predictions: StoredPredictions,
        version_of: Callable[[str, int], Champion | None],
        load: Callable[[Champion], ForecastBundle],
        states: StoredStates,
    ) -> None:
        self._predictions = predictions
        self._version_of = version_of
        self._load = load
        self._states = states

    def replay(self, prediction_id: UUID) -> ReplayedPrediction:
        """Ask the version that served the prediction with the inputs it was given, and its intervals as of then.

        Raises:
            NotFoundError: the prediction or the model version is not stored (any more).
            DependencyUnavailableError: a store does not answer.
        """
        event = self._predictions.one(prediction_id)
        if event is None:
            raise NotFoundError(f"there is no prediction {prediction_id}; GET /api/predict/ lists what there is")
        if event.model_name == RANDOM_WALK or event.model_version is None:
            return ReplayedPrediction(event, _compare(event, 0.0, None, (), ()))
        version = self._version_of(event.model_name, int(event.model_version))
        if version is None:
            raise NotFoundError(f"{event.model_name} version {event.model_version} was deleted; nothing can replay it")
        bundle = self._load(version)
        intervals = None
        if event.adapted_through is not None:
            key = StateKey(version.registered_name, version.version, Instrument(event.exchange, event.ticker))
            state = self._states.newest(key, event.adapted_through)
            intervals = None if state is None else bundle.intervals.scaled(state.scales)
        forecast = bundle.predict(np.array(event.inputs), event.horizon, intervals)
        lowers, uppers = interval_ends(event.last_close, forecast)
        compared = _compare(event, forecast.predicted_return, forecast.probability_up, lowers, uppers)
        return ReplayedPrediction(event, compared)


def _compare(
    event: PredictionEvent,
    predicted_return: float,
    probability_up: float | None,
    lowers: Sequence[float],
    uppers: Sequence[float],
) -> tuple[ReplayedValue, ...]:
    ends = [
        ReplayedValue(f"{name} at {level:.0%}", served, computed)
        for name, kept, found in (("lower", event.lowers, lowers), ("upper", event.uppers, uppers))
        for level, served, computed in zip(event.levels, kept, found, strict=True)
    ]
    return (
        ReplayedValue("predicted_return", event.predicted_return, predicted_return),
        ReplayedValue("probability_up", event.probability_up, probability_up),
        *ends,
    )


def open_replayer(settings: Settings) -> Replayer:
    """Over the servers of ``settings``."""
    meta = get_engine(settings.model_meta_db)
    return Replayer(
        Predictions(lambda: get_client(settings.clickhouse)),
        Catalog(meta).version,
        ModelFiles(MlflowRest(settings.mlflow), settings.path(settings.serving.cache_dir)).load,
        IntervalStates(meta),
    )
